/** The values of `response.data`. Source: client-api §9.1, survey-model §16. */

/** An answer or a hidden field's value, as every contract validates it. */
export type AnswerValue = string | number | string[] | Record<string, string>;

/** Answers by element id, and hidden fields by field id. */
export type ResponseData = Record<string, AnswerValue>;

/** A value by its key, ignoring what every object inherits; stored data may hold anything. */
export const ownValue = (data: Readonly<Record<string, unknown>>, key: string): unknown =>
  Object.hasOwn(data, key) ? data[key] : undefined;

export const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Nothing was answered: undefined, null, `""`, `[]` or `{}`. */
export function isEmptyAnswer(value: unknown): boolean {
  if (value === undefined || value === null || value === "") return true;
  if (Array.isArray(value)) return value.length === 0;
  return isRecord(value) && Object.keys(value).length === 0;
}

/** The rows of a matrix that were answered. */
export const answeredRows = (value: unknown): number =>
  isRecord(value) ? Object.values(value).filter((cell) => typeof cell === "string" && cell !== "").length : 0;
