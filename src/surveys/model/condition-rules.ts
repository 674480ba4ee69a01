/** What each kind of element, variable and hidden field may be compared with. Source: survey-model §5, §8.2. */
import type { ElementOf, SurveyElement } from "./element.ts";
import type { Condition, Operator, RightOperand } from "./logic.ts";
import type { LogicScope } from "./logic-rules.ts";

const EQUALITY: readonly Operator[] = ["equals", "doesNotEqual"];
const TEXT_COMPARISONS: readonly Operator[] = [
  ...EQUALITY,
  "contains",
  "doesNotContain",
  "startsWith",
  "doesNotStartWith",
  "endsWith",
  "doesNotEndWith",
];
const NUMBER_COMPARISONS: readonly Operator[] = [
  ...EQUALITY,
  "isLessThan",
  "isLessThanOrEqual",
  "isGreaterThan",
  "isGreaterThanOrEqual",
];
const ANSWERED: readonly Operator[] = ["isSubmitted", "isSkipped"];
const INCLUSION: readonly Operator[] = ["includesAllOf", "includesOneOf", "doesNotIncludeAllOf", "doesNotIncludeOneOf"];

const NUMERIC: ReadonlySet<Operator> = new Set([...NUMBER_COMPARISONS, ...ANSWERED]);
const TEXTUAL: ReadonlySet<Operator> = new Set([...TEXT_COMPARISONS, ...ANSWERED]);
const MULTIPLE: ReadonlySet<Operator> = new Set([...EQUALITY, ...INCLUSION, ...ANSWERED]);
const ANSWERED_ONLY: ReadonlySet<Operator> = new Set(ANSWERED);

const OPERATORS_BY_TYPE: Record<Exclude<SurveyElement["type"], "openText" | "matrix">, ReadonlySet<Operator>> = {
  multipleChoiceSingle: new Set<Operator>([...EQUALITY, "equalsOneOf", ...ANSWERED]),
  multipleChoiceMulti: MULTIPLE,
  pictureSelection: MULTIPLE,
  nps: NUMERIC,
  rating: NUMERIC,
  csat: NUMERIC,
  ces: NUMERIC,
  cta: new Set<Operator>(["isClicked", "isNotClicked"]),
  consent: new Set<Operator>(["isAccepted", "isSkipped"]),
  date: new Set<Operator>([...EQUALITY, "isBefore", "isAfter", ...ANSWERED]),
  cal: new Set<Operator>(["isBooked", "isSkipped"]),
  fileUpload: ANSWERED_ONLY,
  address: ANSWERED_ONLY,
  contactInfo: ANSWERED_ONLY,
  ranking: ANSWERED_ONLY,
};

const MATRIX_STATES: readonly Operator[] = [
  "isPartiallySubmitted",
  "isCompletelySubmitted",
  "isSkipped",
  "isEmpty",
  "isNotEmpty",
];
const MATRIX: ReadonlySet<Operator> = new Set(MATRIX_STATES);
const MATRIX_ROW: ReadonlySet<Operator> = new Set<Operator>([...MATRIX_STATES, ...EQUALITY, "isAnyOf"]);

const OPERATORS_BY_VARIABLE_TYPE: Record<"text" | "number", ReadonlySet<Operator>> = {
  text: new Set(TEXT_COMPARISONS),
  number: new Set(NUMBER_COMPARISONS),
};
const HIDDEN_FIELD: ReadonlySet<Operator> = new Set<Operator>([...TEXT_COMPARISONS, "isSet", "isNotSet"]);

/** Why the left side cannot be asked this, or undefined. */
export function checkLeftOperand(
  { leftOperand, operator }: Condition,
  blockIndex: number,
  scope: LogicScope,
): string | undefined {
  const refusal = `"${operator}" cannot be asked of the ${leftOperand.type} "${leftOperand.value}"`;
  if (leftOperand.type === "variable") {
    const variable = scope.variables.get(leftOperand.value);
    if (variable === undefined) return `The variable "${leftOperand.value}" does not exist`;
    return OPERATORS_BY_VARIABLE_TYPE[variable.type].has(operator) ? undefined : refusal;
  }
  if (leftOperand.type === "hiddenField") {
    if (!scope.hiddenFields.has(leftOperand.value)) return `The hidden field "${leftOperand.value}" does not exist`;
    return HIDDEN_FIELD.has(operator) ? undefined : refusal;
  }
  const found = scope.elements.get(leftOperand.value);
  if (found === undefined) return `The element "${leftOperand.value}" does not exist`;
  if (found.blockIndex > blockIndex) return `The element "${leftOperand.value}" comes later`;
  if (found.element.type === "cta" && !found.element.buttonExternal) return refusal;
  if (operator === "isSkipped" && found.element.required) return "A required element cannot be skipped";
  const hasRow = "meta" in leftOperand && leftOperand.meta?.row !== undefined;
  return operatorsOf(found.element, hasRow).has(operator) ? undefined : refusal;
}

function operatorsOf(element: SurveyElement, hasRow: boolean): ReadonlySet<Operator> {
  if (element.type === "openText") return element.inputType === "number" ? NUMERIC : TEXTUAL;
  if (element.type === "matrix") return hasRow ? MATRIX_ROW : MATRIX;
  return OPERATORS_BY_TYPE[element.type];
}

/** Why the right side does not fit the left one, or undefined. The left side is known to be in order. */
export function checkRightOperand(condition: Condition, right: RightOperand, scope: LogicScope): string | undefined {
  const missing = checkReference(right, scope);
  if (missing !== undefined) return missing;
  const { leftOperand, operator } = condition;
  const element = leftOperand.type === "element" ? scope.elements.get(leftOperand.value)?.element : undefined;
  switch (element?.type) {
    case "openText":
      return checkAgainstOpenText(element, operator, right, scope);
    case "multipleChoiceSingle":
    case "multipleChoiceMulti":
    case "pictureSelection":
      return checkAgainstChoices(element, operator, right, scope);
    case "nps":
      return checkAgainstScale(right, { min: 0, max: 10 }, scope);
    case "rating":
    case "csat":
    case "ces":
      return checkAgainstScale(right, { min: 1, max: element.range }, scope);
    case "date":
      return checkAgainstDate(right, scope);
    case "matrix":
      return checkAgainstMatrix(element, "meta" in leftOperand ? leftOperand.meta?.row : undefined, right);
    default:
      return undefined;
  }
}

function checkReference(right: RightOperand, scope: LogicScope): string | undefined {
  const known =
    right.type === "static" ||
    (right.type === "element" && scope.elements.has(right.value)) ||
    (right.type === "variable" && scope.variables.has(right.value)) ||
    (right.type === "hiddenField" && scope.hiddenFields.has(right.value));
  return known ? undefined : `The ${right.type} "${right.value}" does not exist`;
}

const COMPARABLE_WITH_TEXT: ReadonlySet<string> = new Set(["date", "multipleChoiceSingle", "multipleChoiceMulti"]);

function checkAgainstOpenText(
  { inputType }: ElementOf<"openText">,
  operator: Operator,
  right: RightOperand,
  scope: LogicScope,
): string | undefined {
  if (right.type !== "element") return undefined;
  const type = scope.elements.get(right.value)?.element.type ?? "";
  const fits =
    type === "openText" ||
    (inputType === "number"
      ? type === "rating" || type === "nps"
      : EQUALITY.includes(operator) && COMPARABLE_WITH_TEXT.has(type));
  return fits ? undefined : `Cannot be compared with an element of type ${type}`;
}

function checkAgainstChoices(
  element: SurveyElement,
  operator: Operator,
  right: RightOperand,
  scope: LogicScope,
): string | undefined {
  if (right.type !== "static") return "Choices can only be compared with fixed values";
  const choices = scope.choicesOf(element);
  const isOne = EQUALITY.includes(operator);
  const ids = isOne ? [right.value] : right.value;
  const fits = Array.isArray(ids) && ids.every((id) => typeof id === "string" && choices.has(id));
  if (fits) return undefined;
  return isOne ? "The value must be the id of a choice" : "The value must be a list of ids of choices";
}

function checkAgainstScale(
  right: RightOperand,
  { min, max }: { min: number; max: number },
  scope: LogicScope,
): string | undefined {
  if (right.type === "variable" && scope.variables.get(right.value)?.type === "number") return undefined;
  const { value } = right;
  const fits = right.type === "static" && typeof value === "number" && value >= min && value <= max;
  return fits ? undefined : `The value must be a number variable or a number from ${min} to ${max}`;
}

function checkAgainstDate(right: RightOperand, scope: LogicScope): string | undefined {
  if (right.type === "hiddenField") return undefined;
  if (right.type === "variable")
    return scope.variables.get(right.value)?.type === "text" ? undefined : "A date can only be compared with a text variable";
  if (right.type === "element") {
    const type = scope.elements.get(right.value)?.element.type;
    return type === "openText" || type === "date" ? undefined : `Cannot be compared with an element of type ${type}`;
  }
  const isDate = typeof right.value === "string" && !Number.isNaN(Date.parse(right.value));
  return isDate ? undefined : "The value must be a date";
}

/** Rows and columns are named by their index, as text. */
function checkAgainstMatrix(
  { rows, columns }: ElementOf<"matrix">,
  row: string | undefined,
  right: RightOperand,
): string | undefined {
  if (row === undefined || !isIndexOf(row, rows.length)) return "The row does not exist";
  if (right.type !== "static") return "A row can only be compared with fixed values";
  const values = Array.isArray(right.value) ? right.value : [right.value];
  return values.every((value) => isIndexOf(String(value), columns.length)) ? undefined : "The column does not exist";
}

const isIndexOf = (text: string, length: number): boolean => /^\d{1,9}$/.test(text) && Number(text) < length;
