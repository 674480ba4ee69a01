/** What is wrong with the answers of a block, before they are sent: what the server refuses, and what is still missing. */

import { isEmptyAnswer, type ResponseData } from "../../responses/answer-values.ts";
import { type AnswerViolation, findViolations } from "../../responses/answer-violations.ts";
import { ADDRESS_FIELDS, CONTACT_FIELDS, type TextKeys } from "../../responses/element.ts";
import { matchesPattern } from "./pattern.ts";
import type { Block, Element } from "./survey.ts";

/** A rule that is broken; its params fill the message. */
export interface AnswerProblem {
  type: string;
  params: Readonly<Record<string, unknown>>;
  /** English, for a rule the renderer has no words for. */
  message: string;
}

/** By element id; empty when the block can be sent. */
export function findProblems({
  block,
  answers,
  required,
  texts,
}: {
  block: Block;
  answers: ResponseData;
  required: readonly string[];
  texts: TextKeys;
}): ReadonlyMap<string, AnswerProblem[]> {
  const problems = new Map<string, AnswerProblem[]>();
  for (const element of block.elements) {
    const found = problemsOf({ ...element, required: element.required || required.includes(element.id) }, answers, texts);
    if (found.length > 0) problems.set(element.id, found);
  }
  return problems;
}

function problemsOf(element: Element, answers: ResponseData, texts: TextKeys): AnswerProblem[] {
  const answer = answers[element.id];
  if (isBlankOther(element, answer)) return [problem("other")];
  if (isEmptyAnswer(answer)) return element.required && !isStatement(element) ? [problem("required")] : [];
  const violations = findViolations({ elements: [element], data: { [element.id]: answer }, texts, matchesPattern });
  return [...missingFields(element, answer), ...lengthProblems(element, answer), ...violations.map(ofRule(element))];
}

/** Those that can be answered; an element of a type that is yet to come is shown without a control. */
const ANSWERED_TYPES = new Set([
  ...["openText", "multipleChoiceSingle", "multipleChoiceMulti", "nps", "rating", "csat", "ces", "cta", "consent"],
  ...["pictureSelection", "date", "fileUpload", "cal", "matrix", "address", "contactInfo", "ranking"],
]);

/** A call to action without a button of its own is read, not answered. */
const isStatement = ({ type, buttonUrl }: Element): boolean =>
  !ANSWERED_TYPES.has(type) || (type === "cta" && buttonUrl === undefined);

/** "Other" was chosen, and no word written yet. */
const isBlankOther = (element: Element, answer: unknown): boolean =>
  element.type === "multipleChoiceSingle" && typeof answer === "string" && answer.trim() === "";

/** A form that is begun is finished: its required fields are asked for even when the whole may be left out. */
function missingFields({ type, fields }: Element, answer: unknown): AnswerProblem[] {
  if ((type !== "address" && type !== "contactInfo") || !Array.isArray(answer)) return [];
  const names = type === "address" ? ADDRESS_FIELDS : CONTACT_FIELDS;
  const isMissing = names.some((name, slot) => {
    const field = fields[name];
    return field?.show === true && field.required && String(answer[slot] ?? "").trim() === "";
  });
  return isMissing ? [problem("fields")] : [];
}

function lengthProblems({ type, charLimit }: Element, answer: unknown): AnswerProblem[] {
  if (type !== "openText" || typeof answer !== "string") return [];
  const { min, max } = charLimit;
  if (min !== undefined && answer.length < min) return [problem("minLength", { min })];
  return max !== undefined && answer.length > max ? [problem("maxLength", { max })] : [];
}

const ofRule =
  ({ validation }: Element) =>
  ({ ruleType, ruleId, message }: AnswerViolation): AnswerProblem => ({
    type: ruleType,
    params: validation?.rules.find((rule) => rule.id === ruleId && rule.type === ruleType)?.params ?? {},
    message,
  });

const problem = (type: string, params: AnswerProblem["params"] = {}): AnswerProblem => ({ type, params, message: type });
