/** Blocks: the pages of a survey, each with one or more elements. Source: survey-model §4. */
import { z } from "zod";
import { SurveyElement } from "./element.ts";
import { BlockLogicItem } from "./logic.ts";
import { LocalizedText, RowId } from "./text.ts";

export const Block = z.object({
  id: RowId,
  name: z.string().min(1),
  elements: z.array(SurveyElement).min(1),
  logic: z.array(BlockLogicItem).optional(),
  /** Where to go when no rule of `logic` jumps: a block or an ending. */
  logicFallback: z.string().optional(),
  buttonLabel: LocalizedText.optional(),
  backButtonLabel: LocalizedText.optional(),
});
export type Block = z.infer<typeof Block>;
