/** The types of answer rules: when each passes, and what it says when it does not. Source: client-api §11. */
import { fileExtension } from "../shared/file-extension.ts";
import { answeredRows } from "./answer-values.ts";
import type { SurveyElement } from "./element.ts";

/** Whether a value matches a survey author's expression; an invalid expression matches everything. */
export type PatternMatcher = (pattern: string, flags: string, value: string) => boolean;

export interface RuleInput {
  element: SurveyElement;
  /** The answer, or the slot of it that the rule's `field` names. */
  value: unknown;
  params: Readonly<Record<string, unknown>>;
  matchesPattern: PatternMatcher;
}

export interface RuleType {
  /** Whether the rule is run on an empty answer too; the others pass it. */
  seesEmpty?: true;
  passes(input: RuleInput): boolean;
  message(params: Readonly<Record<string, unknown>>): string;
}

const EMAIL = /^[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,}$/;
const PHONE = /^[\d+][\d+\- ]*\d$/;

/** Browsers that SDKs still meet lack `URL.canParse`. */
function isUrl(text: string): boolean {
  try {
    return Boolean(new URL(text));
  } catch {
    return false;
  }
}

export const INVALID_FORMAT = "Please enter a valid format";

/** Tests the answer's text; a number is read as its text, lists and objects have none and pass. */
const onText =
  (test: (text: string, input: RuleInput) => boolean): RuleType["passes"] =>
  (input) => {
    const { value } = input;
    const text = typeof value === "number" ? String(value) : value;
    return typeof text !== "string" || test(text, input);
  };

/** Tests the answer as a number, read from the start of a text; what is no number passes. */
const onNumber = (name: "min" | "max", test: (value: number, bound: number) => boolean): RuleType["passes"] =>
  onText((text, { params }) => {
    const value = Number.parseFloat(text);
    const bound = numberParam(params, name);
    return Number.isNaN(value) || bound === undefined || test(value, bound);
  });

/** Tests a text against a text parameter; a rule without the parameter asks for nothing. */
const withText = (name: string, test: (text: string, expected: string) => boolean): RuleType["passes"] =>
  onText((text, { params }) => {
    const expected = textParam(params, name);
    return expected === undefined || test(text, expected);
  });

const withDates = (test: (date: string, start: string, end: string) => boolean): RuleType["passes"] =>
  onText((date, { params }) => {
    const start = textParam(params, "startDate");
    const end = textParam(params, "endDate");
    return start === undefined || end === undefined || test(date, start, end);
  });

/** Compares a count with a parameter on elements of one type; other elements pass. */
const onCount =
  (type: string, count: (value: unknown) => number, least: (input: RuleInput) => number | undefined): RuleType["passes"] =>
  (input) =>
    input.element.type !== type || count(input.value) >= (least(input) ?? 0);

const rankedCount = (value: unknown): number => (Array.isArray(value) ? value.length : 0);
const minParam = ({ params }: RuleInput) => numberParam(params, "min");

/** Tests the extensions of all files of an upload; other elements pass. */
const onExtensions =
  (test: (extension: string | null, listed: ReadonlySet<string | null>) => boolean): RuleType["passes"] =>
  ({ element, value, params }) => {
    if (element.type !== "fileUpload" || !Array.isArray(value) || !Array.isArray(params.extensions)) return true;
    const listed = new Set(params.extensions.map((extension) => String(extension).toLowerCase().replace(/^\./, "")));
    return value.every((url) => typeof url === "string" && test(urlExtension(url), listed));
  };

const urlExtension = (url: string): string | null => fileExtension(url.replace(/[?#].*$/s, ""));

/**
 * How many choices a list of answers makes: `""` marks that "other" was chosen and the entry after it is that
 * choice's text, so that both together count once.
 */
export function countSelections(answers: readonly unknown[]): number {
  const chosen = answers.filter((answer, index) => answer !== "" && answers[index - 1] !== "").length;
  return answers.includes("") ? chosen + 1 : chosen;
}

const RULE_TYPES = new Map<string, RuleType>(
  Object.entries<RuleType>({
    minLength: {
      passes: onText((text, { params }) => text.length >= (numberParam(params, "min") ?? 0)),
      message: ({ min }) => `Please enter at least ${min} characters`,
    },
    maxLength: {
      passes: onText((text, { params }) => text.length <= (numberParam(params, "max") ?? Number.POSITIVE_INFINITY)),
      message: ({ max }) => `Please enter no more than ${max} characters`,
    },
    pattern: {
      passes: onText((text, { params, matchesPattern }) => {
        const pattern = textParam(params, "pattern");
        return pattern === undefined || matchesPattern(pattern, textParam(params, "flags") ?? "", text);
      }),
      message: () => INVALID_FORMAT,
    },
    email: { passes: onText((text) => EMAIL.test(text)), message: () => "Please enter a valid email address" },
    url: { passes: onText(isUrl), message: () => "Please enter a valid URL" },
    phone: { passes: onText((text) => PHONE.test(text)), message: () => "Please enter a valid phone number" },
    equals: {
      passes: withText("value", (text, expected) => text === expected),
      message: ({ value }) => `Value must equal ${value}`,
    },
    doesNotEqual: {
      passes: withText("value", (text, expected) => text !== expected),
      message: ({ value }) => `Value must not equal ${value}`,
    },
    contains: {
      passes: withText("value", (text, expected) => text.includes(expected)),
      message: ({ value }) => `Value must contain ${value}`,
    },
    doesNotContain: {
      passes: withText("value", (text, expected) => !text.includes(expected)),
      message: ({ value }) => `Value must not contain ${value}`,
    },
    minValue: {
      passes: onNumber("min", (value, min) => value >= min),
      message: ({ min }) => `Please enter a value of at least ${min}`,
    },
    maxValue: {
      passes: onNumber("max", (value, max) => value <= max),
      message: ({ max }) => `Please enter a value of no more than ${max}`,
    },
    isGreaterThan: {
      passes: onNumber("min", (value, min) => value > min),
      message: ({ min }) => `Please enter a value greater than ${min}`,
    },
    isLessThan: {
      passes: onNumber("max", (value, max) => value < max),
      message: ({ max }) => `Please enter a value less than ${max}`,
    },
    minSelections: {
      seesEmpty: true,
      passes: ({ value, params }) => Array.isArray(value) && countSelections(value) >= (numberParam(params, "min") ?? 0),
      message: ({ min }) => `Please select at least ${min} options`,
    },
    maxSelections: {
      passes: ({ value, params }) =>
        !Array.isArray(value) || countSelections(value) <= (numberParam(params, "max") ?? Number.POSITIVE_INFINITY),
      message: ({ max }) => `Please select no more than ${max} options`,
    },
    isLaterThan: {
      passes: withText("date", (text, date) => text > date),
      message: ({ date }) => `Please select a date later than ${date}`,
    },
    isEarlierThan: {
      passes: withText("date", (text, date) => text < date),
      message: ({ date }) => `Please select a date earlier than ${date}`,
    },
    isBetween: {
      passes: withDates((date, start, end) => date > start && date < end),
      message: ({ startDate, endDate }) => `Please select a date between ${startDate} and ${endDate}`,
    },
    isNotBetween: {
      passes: withDates((date, start, end) => date < start || date > end),
      message: ({ startDate, endDate }) => `Please select a date not between ${startDate} and ${endDate}`,
    },
    minRanked: {
      passes: onCount("ranking", rankedCount, minParam),
      message: ({ min }) => `Please rank at least ${min} options`,
    },
    rankAll: {
      passes: onCount("ranking", rankedCount, ({ element }) => element.choices.length),
      message: () => "Please rank all options",
    },
    minRowsAnswered: {
      passes: onCount("matrix", answeredRows, minParam),
      message: ({ min }) => `Please answer at least ${min} rows`,
    },
    answerAllRows: {
      passes: onCount("matrix", answeredRows, ({ element }) => element.rows.length),
      message: () => "Please answer all rows",
    },
    fileExtensionIs: {
      passes: onExtensions((extension, listed) => listed.has(extension)),
      message: ({ extensions }) => `Please upload files of these types only: ${listText(extensions)}`,
    },
    fileExtensionIsNot: {
      passes: onExtensions((extension, listed) => !listed.has(extension)),
      message: ({ extensions }) => `Please do not upload files of these types: ${listText(extensions)}`,
    },
  }),
);

/** The rule type of a name; undefined for one that is not known, which is skipped. */
export const findRuleType = (type: string): RuleType | undefined => RULE_TYPES.get(type);

function numberParam(params: Readonly<Record<string, unknown>>, name: string): number | undefined {
  const value = params[name];
  return typeof value === "number" ? value : undefined;
}

function textParam(params: Readonly<Record<string, unknown>>, name: string): string | undefined {
  const value = params[name];
  return typeof value === "string" ? value : undefined;
}

const listText = (list: unknown): string => (Array.isArray(list) ? list.join(", ") : "");
