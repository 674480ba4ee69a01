/** `#recall:<id>/fallback:<text>#` in texts: earlier answers, hidden fields and variables. Source: survey-model §2. */
import { isEmptyAnswer, isRecord, ownValue } from "../../responses/answer-values.ts";
import type { SurveyState } from "./survey-state.ts";

const MARK = /#recall:([a-zA-Z0-9_-]+)\/fallback:(.*?)#/g;

/** Whatever can be recalled, by its id. */
export type Recall = (id: string) => unknown;

export const recallFrom =
  ({ answers, hiddenFields, variables }: Pick<SurveyState, "answers" | "hiddenFields" | "variables">): Recall =>
  (id) =>
    [answers, hiddenFields, variables].map((values) => ownValue(values, id)).find((value) => !isEmptyAnswer(value));

/** The text with its marks filled; `encode` makes a value safe for where the text goes. */
export function fillRecall(text: string, recall: Recall, encode: (value: string) => string = (value) => value): string {
  return text.replace(MARK, (_mark, id: string, fallback: string) => encode(answerText(recall(id)) || fallback));
}

/** An answer in words: lists by commas, rows of a matrix as `row: column`. Empty when there is none. */
export function answerText(value: unknown): string {
  if (Array.isArray(value)) return value.filter((entry) => entry !== "").join(", ");
  if (isRecord(value))
    return Object.entries(value)
      .map(([row, column]) => `${row}: ${String(column)}`)
      .join(", ");
  return value === undefined || value === null ? "" : String(value);
}
