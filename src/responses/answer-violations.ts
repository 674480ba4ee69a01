/**
 * Checks of answers against their survey. Only elements present in the data are looked at; a required element that
 * is absent is fine, and so is a key that no element has. Messages are in English, whatever the response's language:
 * no client parses them. Runs on the server and in the browser: nothing of Node may be imported here.
 * Source: client-api §11, survey-model §7.
 */
import { answeredRows, isEmptyAnswer, ownValue } from "./answer-values.ts";
import {
  ADDRESS_FIELDS,
  CONTACT_FIELDS,
  type ElementRule,
  type FieldName,
  findChoice,
  hasOther,
  type SurveyElement,
  type TextKeys,
  textIn,
} from "./element.ts";
import { findRuleType, INVALID_FORMAT, type PatternMatcher } from "./rule-types.ts";

const REQUIRED = "Please fill out this field";

/** The element types that rules mean something on; on the others a survey may carry them and they ask for nothing. */
const RULED_TYPES = new Set([
  "openText",
  "multipleChoiceMulti",
  "pictureSelection",
  "date",
  "fileUpload",
  "matrix",
  "address",
  "contactInfo",
  "ranking",
]);

export interface AnswerCheck {
  elements: readonly SurveyElement[];
  /** The data as it would be stored: for a change, the stored answers merged with the new ones. */
  data: Readonly<Record<string, unknown>>;
  /** The language of the answers' labels. */
  texts: TextKeys;
  matchesPattern: PatternMatcher;
}

/** A rule that an answer breaks. What no rule of the survey asks for has its kind as the rule's id. */
export interface AnswerViolation {
  elementId: string;
  ruleId: string;
  ruleType: string;
  message: string;
}

type Violation = Omit<AnswerViolation, "elementId">;

/** Every broken rule, element by element in the survey's order. */
export function findViolations({ elements, data, texts, matchesPattern }: AnswerCheck): AnswerViolation[] {
  return elements.flatMap((element) => {
    if (!Object.hasOwn(data, element.id)) return [];
    const value = ownValue(data, element.id);
    const violations = [
      ...requiredViolations(element, value),
      ...otherViolations(element, value, texts),
      ...membershipViolations(element, value, texts),
      ...ruleViolations(element, value, texts, matchesPattern),
    ];
    return violations.map((violation) => ({ elementId: element.id, ...violation }));
  });
}

const builtIn = (ruleType: "required" | "other" | "choice", message: string): Violation => ({
  ruleId: ruleType,
  ruleType,
  message,
});

function requiredViolations(element: SurveyElement, value: unknown): Violation[] {
  if (!element.required || element.type === "cta") return [];
  return isEmptyAnswer(value) || hasNoEntry(element, value) ? [builtIn("required", REQUIRED)] : [];
}

function hasNoEntry(element: SurveyElement, value: unknown): boolean {
  if (element.type === "ranking") return !Array.isArray(value) || value.length === 0;
  return element.type === "matrix" && answeredRows(value) === 0;
}

/** Who chose "other" must have written something. */
function otherViolations(element: SurveyElement, value: unknown, texts: TextKeys): Violation[] {
  if (!hasOther(element)) return [];
  const isBlank =
    element.type === "multipleChoiceSingle"
      ? isBlankOther(element, value, texts)
      : element.type === "multipleChoiceMulti" && Array.isArray(value) && isMarkerWithoutText(value);
  return isBlank ? [builtIn("other", REQUIRED)] : [];
}

function isBlankOther(element: SurveyElement, value: unknown, texts: TextKeys): boolean {
  if (typeof value !== "string" || value.trim() !== "") return false;
  if (value === "" && element.required) return false; // reported as a missing answer already
  return findChoice(element, value, texts) === undefined;
}

/** `""` marks that "other" was chosen and its text follows. */
function isMarkerWithoutText(answers: readonly unknown[]): boolean {
  const marker = answers.indexOf("");
  if (marker === -1) return false;
  const text = answers[marker + 1];
  return typeof text !== "string" || text.trim() === "";
}

function membershipViolations(element: SurveyElement, value: unknown, texts: TextKeys): Violation[] {
  if (element.type !== "multipleChoiceSingle" && element.type !== "multipleChoiceMulti") return [];
  if (hasOther(element) || isEmptyAnswer(value)) return [];
  const entries: unknown[] = Array.isArray(value) ? value : [value];
  const isOffered = (entry: unknown) => typeof entry === "string" && findChoice(element, entry, texts) !== undefined;
  return entries.every((entry) => entry === "" || isOffered(entry)) ? [] : [builtIn("choice", INVALID_FORMAT)];
}

function ruleViolations(element: SurveyElement, value: unknown, texts: TextKeys, matchesPattern: PatternMatcher): Violation[] {
  if (!RULED_TYPES.has(element.type)) return [];
  const results = allRules(element).flatMap((rule) => {
    const type = findRuleType(rule.type);
    if (type === undefined) return [];
    const answer = slotOf(element, rule.field, value);
    const isPassed =
      (isEmptyAnswer(answer) && !type.seesEmpty) || type.passes({ element, value: answer, params: rule.params, matchesPattern });
    if (isPassed) return [null];
    const message = withField(element, rule.field, type.message(rule.params), texts);
    return [{ ruleId: rule.id, ruleType: rule.type, message }];
  });
  if (element.validation?.logic === "or" && results.includes(null)) return [];
  return results.filter((violation) => violation !== null);
}

/** The rules of the element and those that its kind of input implies, unless it has them already. */
function allRules(element: SurveyElement): readonly ElementRule[] {
  const rules = element.validation?.rules ?? [];
  const implied = impliedRules(element).filter(
    ({ type, field }) => !rules.some((rule) => rule.type === type && rule.field === field),
  );
  return [...rules, ...implied];
}

function impliedRules(element: SurveyElement): ElementRule[] {
  const { type, inputType } = element;
  if (type === "openText" && (inputType === "email" || inputType === "url" || inputType === "phone"))
    return [{ id: inputType, type: inputType, params: {}, field: undefined }];
  if (type !== "contactInfo") return [];
  const shown = (["email", "phone"] as const).filter((field) => element[field]?.show === true);
  return shown.map((field) => ({ id: field, type: field, params: {}, field }));
}

function fieldsOf(element: SurveyElement): readonly FieldName[] {
  if (element.type === "address") return ADDRESS_FIELDS;
  return element.type === "contactInfo" ? CONTACT_FIELDS : [];
}

/** The slot a rule names; the whole answer when it names none that the element has. */
function slotOf(element: SurveyElement, field: string | undefined, value: unknown): unknown {
  const fields: readonly string[] = fieldsOf(element);
  const slot = field === undefined ? -1 : fields.indexOf(field);
  if (slot === -1) return value;
  return Array.isArray(value) ? value[slot] : undefined;
}

function withField(element: SurveyElement, field: string | undefined, message: string, texts: TextKeys): string {
  const name = fieldsOf(element).find((known) => known === field);
  const placeholder = name === undefined ? "" : textIn(element[name]?.placeholder ?? {}, texts);
  return placeholder === "" ? message : `${placeholder}: ${message}`;
}
