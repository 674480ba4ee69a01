/** The length of texts written for the choice "other". Source: client-api §11. */
import { ownValue } from "./answer-values.ts";
import { findChoice, type SurveyElement, type TextKeys } from "./element.ts";

/** Characters (UTF-16 units) that an answer of one's own may have. */
const MAX_OTHER_LENGTH = 250;

/**
 * The id of the first choice element with an answer that is none of its choices and longer than 250 characters, for
 * `Response exceeds character limit`; null when there is none. Elements of both survey generations are checked.
 */
export function findOverlongOther({
  elements,
  data,
  texts,
}: {
  elements: readonly SurveyElement[];
  data: Readonly<Record<string, unknown>>;
  texts: TextKeys;
}): string | null {
  const overlong = elements.find((element) => {
    if (element.type !== "multipleChoiceSingle" && element.type !== "multipleChoiceMulti") return false;
    const value = ownValue(data, element.id);
    const entries: unknown[] = Array.isArray(value) ? value : [value];
    return entries.some((entry) => isOverlong(element, entry, texts));
  });
  return overlong?.id ?? null;
}

const isOverlong = (element: SurveyElement, entry: unknown, texts: TextKeys): boolean =>
  typeof entry === "string" && entry.length > MAX_OTHER_LENGTH && findChoice(element, entry, texts) === undefined;
