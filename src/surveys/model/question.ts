/**
 * Questions: the older generation, in which logic and button labels hang on the question itself. Accepted on input
 * and derived on output; stored are blocks. Source: survey-model §6.
 */
import { z } from "zod";
import { collapsed, elementShapes as shapes } from "./element.ts";
import { QuestionLogicItem } from "./logic.ts";
import { LocalizedText } from "./text.ts";

const ofQuestion = {
  buttonLabel: LocalizedText.optional(),
  backButtonLabel: LocalizedText.optional(),
  logic: z.array(QuestionLogicItem).optional(),
  logicFallback: z.string().optional(),
};

const QuestionByType = z.discriminatedUnion("type", [
  z.object({ ...shapes.openText, ...ofQuestion }),
  z.object({ ...shapes.multipleChoiceSingle, ...ofQuestion }),
  z.object({ ...shapes.multipleChoiceMulti, ...ofQuestion }),
  z.object({ ...shapes.nps, ...ofQuestion }),
  z.object({ ...shapes.rating, ...ofQuestion }),
  z.object({ ...shapes.csat, ...ofQuestion }),
  z.object({ ...shapes.ces, ...ofQuestion }),
  z.object({
    ...shapes.cta,
    ...ofQuestion,
    buttonExternal: z.boolean(),
    dismissButtonLabel: LocalizedText.optional(),
  }),
  z.object({ ...shapes.consent, ...ofQuestion }),
  z.object({ ...shapes.pictureSelection, ...ofQuestion }),
  z.object({ ...shapes.date, ...ofQuestion }),
  z.object({ ...shapes.fileUpload, ...ofQuestion }),
  z.object({ ...shapes.cal, ...ofQuestion }),
  z.object({ ...shapes.matrix, ...ofQuestion }),
  z.object({ ...shapes.address, ...ofQuestion }),
  z.object({ ...shapes.contactInfo, ...ofQuestion }),
  z.object({ ...shapes.ranking, ...ofQuestion }),
]);
export type Question = z.infer<typeof QuestionByType>;

export const Question = collapsed(
  "SurveyQuestion",
  QuestionByType,
  "Like an element of a block, with logic and button labels of its own",
);
