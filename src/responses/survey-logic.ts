/**
 * The conditions of quotas (and of a survey's logic) on a response. Both generations' operand names are understood.
 * Source: client-api §12, survey-model §8.
 */
import { isEmptyAnswer, isRecord, ownValue } from "./answer-values.ts";
import { type ElementChoice, findChoice, isLabel, type SurveyElement, type TextKeys } from "./element.ts";

/** A variable as the survey declares it; its value is the response's. */
export interface SurveyVariable {
  id: string;
  type: "number" | "text";
}

export interface LogicInput {
  elements: readonly SurveyElement[];
  variables: readonly SurveyVariable[];
  /** The response's answers and hidden fields. */
  data: Readonly<Record<string, unknown>>;
  variableValues: Readonly<Record<string, unknown>>;
  texts: TextKeys;
}

/**
 * Whether a group of conditions holds, `{ connector, conditions }` as it is stored. An empty `and` holds. What is not
 * a condition, or cannot be evaluated, does not.
 */
export function evaluateConditions(group: unknown, input: LogicInput): boolean {
  try {
    return groupHolds(group, input);
  } catch {
    return false; // a group nested so deep that the stack ends
  }
}

function groupHolds(group: unknown, input: LogicInput): boolean {
  if (!isRecord(group) || !Array.isArray(group.conditions)) return false;
  const members: unknown[] = group.conditions;
  const holds = (member: unknown) =>
    isRecord(member) && "conditions" in member ? groupHolds(member, input) : conditionHolds(member, input);
  return group.connector === "or" ? members.some(holds) : members.every(holds);
}

/** One side of a condition: its value, and the element it is the answer of. */
interface Operand {
  value: unknown;
  element?: SurveyElement | undefined;
}

type Operator = (left: Operand, right: Operand, input: LogicInput) => boolean;

function conditionHolds(condition: unknown, input: LogicInput): boolean {
  if (!isRecord(condition) || typeof condition.operator !== "string") return false;
  const operator = OPERATORS.get(condition.operator);
  const left = readOperand(condition.leftOperand, input);
  if (operator === undefined || left === null) return false;
  if (WITHOUT_RIGHT.has(condition.operator)) return operator(left, { value: undefined }, input);
  const right = readRightOperand(condition.rightOperand, left, input);
  return right !== null && operator(left, right, input);
}

function readOperand(operand: unknown, input: LogicInput): Operand | null {
  if (!isRecord(operand) || typeof operand.value !== "string") return null;
  const id = operand.value;
  switch (operand.type) {
    case "element":
    case "question":
      return readElement(id, rowOf(operand.meta), input);
    case "variable":
      return { value: readVariable(id, input) };
    case "hiddenField":
      return { value: ownValue(input.data, id) };
    default:
      return null;
  }
}

/** The labels of a right element are mapped to ids only where the left side is ids too. */
function readRightOperand(operand: unknown, left: Operand, input: LogicInput): Operand | null {
  if (!isRecord(operand)) return null;
  if (operand.type === "static") return { value: operand.value };
  const right = readOperand(operand, input);
  if (right?.element === undefined || !isChoiceElement(right.element)) return right;
  const isOfChoices = left.element !== undefined && isChoiceElement(left.element);
  return isOfChoices ? right : { ...right, value: ownValue(input.data, right.element.id) };
}

function readVariable(id: string, { variables, variableValues }: LogicInput): unknown {
  const value = ownValue(variableValues, id);
  const type = variables.find((variable) => variable.id === id)?.type;
  if (type === "number") return Number(value) || 0;
  return type === "text" ? value || "" : value;
}

function rowOf(meta: unknown): string | undefined {
  return isRecord(meta) && typeof meta.row === "string" ? meta.row : undefined;
}

function readElement(id: string, row: string | undefined, input: LogicInput): Operand {
  const element = input.elements.find((candidate) => candidate.id === id);
  const answer = ownValue(input.data, id);
  if (element === undefined) return { value: answer };
  if (isChoiceElement(element)) return { element, value: choiceIds(element, answer, input.texts) };
  if (element.type === "openText" && element.inputType === "number") return { element, value: asNumber(answer) };
  if (element.type === "matrix" && row !== undefined) return { element, value: columnIndex(element, row, answer, input.texts) };
  return { element, value: answer };
}

const isChoiceElement = ({ type }: SurveyElement): boolean =>
  type === "multipleChoiceSingle" || type === "multipleChoiceMulti" || type === "pictureSelection";

function asNumber(answer: unknown): number | undefined {
  if (typeof answer === "number") return answer;
  if (typeof answer !== "string" || answer.trim() === "") return undefined;
  const value = Number(answer);
  return Number.isNaN(value) ? undefined : value;
}

/** Answers as choice ids. An own text is `other` where the last choice is that; else it stays what it is. */
function choiceIds(element: SurveyElement, answer: unknown, texts: TextKeys): unknown {
  const takesOther = element.choices.at(-1)?.id === "other";
  const idOf = (text: string) => findChoice(element, text, texts)?.id ?? (takesOther ? "other" : text);
  if (typeof answer === "string") return answer === "" ? answer : idOf(answer);
  if (!Array.isArray(answer)) return answer;
  // `""` only marks that the text of "other" follows.
  const ids = answer.filter((entry): entry is string => typeof entry === "string" && entry !== "").map(idOf);
  return [...new Set(ids)];
}

/** The answer of a matrix row as the index of its column in text; `""` where the row was left blank. */
function columnIndex(element: SurveyElement, row: string, answer: unknown, texts: TextKeys): string | undefined {
  const rowOption = element.rows[Number(row)];
  if (rowOption === undefined || !isRecord(answer)) return undefined;
  const rowLabel = Object.keys(answer).find((label) => isOption(label, rowOption, texts));
  const cell = rowLabel === undefined ? undefined : answer[rowLabel];
  if (cell === "") return "";
  const index = element.columns.findIndex((column) => typeof cell === "string" && isOption(cell, column, texts));
  return index === -1 ? undefined : String(index);
}

const isOption = (text: string, option: ElementChoice, texts: TextKeys): boolean =>
  isLabel(text, option.label, texts) || (option.id !== "" && option.id === text);

const isEqual: Operator = (left, right) => {
  if (left.element?.type === "date" || right.element?.type === "date") return instantOf(left) === instantOf(right);
  const leftList = asList(left.value);
  const rightList = asList(right.value);
  // Strictly equal; a list of one equals its entry, and lists are equal whatever their order.
  return leftList.length === rightList.length && leftList.every((entry) => rightList.includes(entry));
};

const asList = (value: unknown): unknown[] => (Array.isArray(value) ? value : [value]);

/** The entries of an answer; none when there is no answer. */
const entriesOf = (value: unknown): unknown[] => (isEmptyAnswer(value) ? [] : asList(value));

/** An operand's date in ms; NaN, which equals nothing, when it is none. */
const instantOf = ({ value }: Operand): number =>
  typeof value === "string" || typeof value === "number" ? new Date(value).getTime() : Number.NaN;

/** Compares as texts; an operand without a value has no text, and the condition does not hold. */
const compareTexts =
  (test: (left: string, right: string) => boolean): Operator =>
  (left, right) => {
    const texts = [left.value, right.value];
    return !texts.some((value) => value === undefined || value === null) && test(String(left.value), String(right.value));
  };

const compareNumbers =
  (test: (left: number, right: number) => boolean): Operator =>
  (left, right) =>
    test(Number(left.value), Number(right.value));

const not =
  (operator: Operator): Operator =>
  (left, right, input) =>
    !operator(left, right, input);

const contains = compareTexts((left, right) => left.includes(right));
const startsWith = compareTexts((left, right) => left.startsWith(right));
const endsWith = compareTexts((left, right) => left.endsWith(right));

const isOneOf: Operator = (left, right) => {
  const value = Array.isArray(left.value) && left.value.length === 1 ? left.value[0] : left.value;
  return Array.isArray(right.value) && typeof value === "string" && right.value.includes(value);
};

const includesAll: Operator = (left, right) => {
  const chosen = entriesOf(left.value);
  return asList(right.value).every((wanted) => chosen.includes(wanted));
};

const includesSome: Operator = (left, right) => {
  const chosen = entriesOf(left.value);
  return asList(right.value).some((wanted) => chosen.includes(wanted));
};

const isSubmitted: Operator = ({ value, element }) => {
  if (element?.type === "fileUpload" && isSkippedUpload(value)) return false;
  return typeof value === "number" || ((typeof value === "string" || Array.isArray(value)) && value.length > 0);
};

const isSkipped: Operator = ({ value, element }) =>
  isEmptyAnswer(value) || (element?.type === "fileUpload" && isSkippedUpload(value));

/** What widgets of 2025 sent for an upload that was passed over. */
const isSkippedUpload = (value: unknown): boolean => value === "skipped";

/** How many rows of a matrix are blank; null for what is no answer to one. Widgets leave blank rows out or `""`. */
function blankRows({ value, element }: Operand): number | null {
  if (!isRecord(value) || Object.keys(value).length === 0) return null;
  const cells = Object.values(value);
  const answered = cells.filter((cell) => cell !== "").length;
  return Math.max(cells.length, element?.rows.length ?? 0) - answered;
}

const isUnset = (value: unknown): boolean => value === undefined || value === null || value === "";
const isValue =
  (expected: string): Operator =>
  ({ value }) =>
    value === expected;
const isSet: Operator = ({ value }) => !isUnset(value);

const OPERATORS = new Map<string, Operator>(
  Object.entries<Operator>({
    equals: isEqual,
    doesNotEqual: not(isEqual),
    contains,
    doesNotContain: not(contains),
    startsWith,
    doesNotStartWith: not(startsWith),
    endsWith,
    doesNotEndWith: not(endsWith),
    isSubmitted,
    isSkipped,
    isGreaterThan: compareNumbers((left, right) => left > right),
    isLessThan: compareNumbers((left, right) => left < right),
    isGreaterThanOrEqual: compareNumbers((left, right) => left >= right),
    isLessThanOrEqual: compareNumbers((left, right) => left <= right),
    equalsOneOf: isOneOf,
    isAnyOf: isOneOf,
    includesAllOf: includesAll,
    includesOneOf: includesSome,
    doesNotIncludeAllOf: not(includesSome),
    doesNotIncludeOneOf: not(includesSome),
    isClicked: isValue("clicked"),
    isNotClicked: not(isValue("clicked")),
    isAccepted: isValue("accepted"),
    isBooked: isValue("booked"),
    isBefore: (left, right) => instantOf(left) < instantOf(right),
    isAfter: (left, right) => instantOf(left) > instantOf(right),
    isPartiallySubmitted: (left) => (blankRows(left) ?? 0) > 0,
    isCompletelySubmitted: (left) => blankRows(left) === 0,
    isSet,
    isNotEmpty: isSet,
    isNotSet: not(isSet),
    isEmpty: isValue(""),
  }),
);

const WITHOUT_RIGHT = new Set([
  "isSubmitted",
  "isSkipped",
  "isClicked",
  "isNotClicked",
  "isAccepted",
  "isBooked",
  "isPartiallySubmitted",
  "isCompletelySubmitted",
  "isSet",
  "isNotEmpty",
  "isNotSet",
  "isEmpty",
]);
