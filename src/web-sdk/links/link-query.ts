/**
 * Answers and hidden fields in a link's query: `?<element id>=<answer>`, `?<hidden field>=<value>`. An answer that the
 * element could not have is left out. Texts are answered as they are, choices by their label or id, numbers as numbers,
 * pictures by their position from 1, several choices separated by commas, calls to action as `clicked` and consents as
 * `accepted`.
 */
import type { AnswerValue, ResponseData } from "../../responses/answer-values.ts";
import { findChoice, hasOther, type TextKeys, textIn } from "../../responses/element.ts";
import type { Element, Survey } from "../surveys/survey.ts";

export function hiddenFieldsFrom({ hiddenFieldIds }: Survey, query: URLSearchParams): Record<string, string> {
  const fields: Record<string, string> = {};
  for (const id of hiddenFieldIds) {
    const value = query.get(id);
    if (value !== null) fields[id] = value;
  }
  return fields;
}

export function prefilledFrom({ blocks }: Survey, query: URLSearchParams, texts: TextKeys): ResponseData {
  const answers: ResponseData = {};
  for (const element of blocks.flatMap(({ elements }) => elements)) {
    const given = query.get(element.id);
    const answer = given === null || given === "" ? undefined : answerFrom(element, given, texts);
    if (answer !== undefined) answers[element.id] = answer;
  }
  return answers;
}

function answerFrom(element: Element, given: string, texts: TextKeys): AnswerValue | undefined {
  switch (element.type) {
    case "openText":
      return element.inputType === "number" && !Number.isFinite(Number(given)) ? undefined : given;
    case "multipleChoiceSingle":
      return choiceLabel(element, given, texts) ?? (hasOther(element) && given !== "other" ? given : undefined);
    case "multipleChoiceMulti":
      return several(given, (entry) => choiceLabel(element, entry, texts));
    case "pictureSelection": {
      const chosen = several(given, (entry) => element.choices[Number(entry) - 1]?.id);
      return element.allowMulti ? chosen : chosen?.slice(0, 1);
    }
    case "nps":
      return within(given, 0, 10);
    case "rating":
    case "csat":
    case "ces":
      return within(given, 1, element.range);
    case "consent":
      return given === "accepted" ? given : undefined;
    case "cta":
      return given === "clicked" ? given : undefined;
    case "date":
      return /^\d{4}-\d\d-\d\d$/.test(given) ? given : undefined;
    default:
      return undefined;
  }
}

/** The label as it is answered; "other" itself is no answer. */
function choiceLabel(element: Element, given: string, texts: TextKeys): string | undefined {
  const choice = findChoice(element, given, texts);
  return choice === undefined || choice.id === "other" ? undefined : textIn(choice.label, texts);
}

/** Undefined unless every entry is known. */
function several(given: string, find: (entry: string) => string | undefined): string[] | undefined {
  const found = given.split(",").map((entry) => find(entry.trim()));
  return found.every((entry) => entry !== undefined) ? found : undefined;
}

function within(given: string, least: number, most: number): number | undefined {
  const value = Number(given);
  return Number.isInteger(value) && value >= least && value <= most ? value : undefined;
}
