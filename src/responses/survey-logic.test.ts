import { describe, expect, it } from "vitest";
import { readElements, textKeys } from "./survey-elements.ts";
import { evaluateConditions, type LogicInput } from "./survey-logic.ts";

const choices = [
  { id: "tea", label: { default: "Tea", "de-DE": "Tee" } },
  { id: "cof", label: { default: "Coffee" } },
];
const elements = readElements({
  blocks: [
    {
      elements: [
        { id: "text", type: "openText" },
        { id: "text2", type: "openText" },
        { id: "num", type: "openText", inputType: "number" },
        { id: "single", type: "multipleChoiceSingle", choices: [...choices, { id: "other", label: { default: "Else" } }] },
        { id: "closed", type: "multipleChoiceSingle", choices },
        { id: "multi", type: "multipleChoiceMulti", choices: [...choices, { id: "other", label: { default: "Else" } }] },
        { id: "pic", type: "pictureSelection", choices: [{ id: "p1" }, { id: "p2" }] },
        { id: "nps", type: "nps" },
        { id: "date", type: "date" },
        { id: "date2", type: "date" },
        { id: "cta", type: "cta" },
        { id: "ok", type: "consent" },
        { id: "cal", type: "cal" },
        { id: "file", type: "fileUpload" },
        {
          id: "grid",
          type: "matrix",
          rows: [
            { id: "r1", label: { default: "Speed", "de-DE": "Tempo" } },
            { id: "r2", label: { default: "Price" } },
          ],
          columns: [
            { id: "c1", label: { default: "Good", "de-DE": "Gut" } },
            { id: "c2", label: { default: "Bad" } },
          ],
        },
      ],
    },
  ],
});

type Data = Record<string, unknown>;

function input(data: Data, variableValues: Data = {}, language = "default"): LogicInput {
  const variables = [
    { id: "score", type: "number" as const },
    { id: "label", type: "text" as const },
  ];
  return { elements, variables, data, variableValues, texts: textKeys(language, []) };
}

const element = (value: string, row?: string) => ({ type: "element", value, ...(row === undefined ? {} : { meta: { row } }) });
const fixed = (value: unknown) => ({ type: "static", value });

const holds = (leftOperand: unknown, operator: string, rightOperand: unknown, given: LogicInput) =>
  evaluateConditions({ connector: "and", conditions: [{ id: "c", leftOperand, operator, rightOperand }] }, given);

describe("operators", () => {
  it.each<[string, string, unknown, Data, boolean]>([
    ["text", "equals", "a", { text: "a" }, true],
    ["text", "equals", "a", { text: "A" }, false],
    ["text", "equals", "a", {}, false],
    ["num", "equals", 5, { num: "5" }, true],
    ["num", "equals", 5, { num: 5 }, true],
    ["num", "equals", 5, { num: "x" }, false],
    ["nps", "equals", 9, { nps: 9 }, true],
    ["nps", "equals", "9", { nps: 9 }, false],
    ["single", "equals", "tea", { single: "Tea" }, true],
    ["single", "equals", "tea", { single: "tea" }, true],
    ["single", "equals", "other", { single: "Yerba" }, true],
    ["closed", "equals", "other", { closed: "Yerba" }, false],
    ["multi", "equals", "tea", { multi: ["Tea"] }, true],
    ["multi", "equals", "tea", { multi: ["Tea", "Coffee"] }, false],
    ["pic", "equals", "p1", { pic: ["p1"] }, true],
    ["date", "equals", "2026-01-02T00:00:00.000Z", { date: "2026-01-02" }, true],
    ["date", "equals", "2026-01-03", { date: "2026-01-02" }, false],
    ["date", "equals", "x", { date: "x" }, false],
    ["grid", "equals", "0", { grid: { Speed: "Good" } }, false],
    ["text", "doesNotEqual", "a", { text: "b" }, true],
    ["text", "doesNotEqual", "a", { text: "a" }, false],
    ["text", "doesNotEqual", "a", {}, true],
    ["multi", "doesNotEqual", "tea", { multi: ["Tea"] }, false],
    ["date", "doesNotEqual", "2026-01-03", { date: "2026-01-02" }, true],
    ["text", "contains", "b", { text: "abc" }, true],
    ["text", "contains", "B", { text: "abc" }, false],
    ["text", "contains", "def", {}, false],
    ["text", "doesNotContain", "b", { text: "abc" }, false],
    ["text", "doesNotContain", "def", {}, true],
    ["text", "startsWith", "a", { text: "abc" }, true],
    ["text", "startsWith", "b", { text: "abc" }, false],
    ["text", "doesNotStartWith", "b", { text: "abc" }, true],
    ["text", "endsWith", "c", { text: "abc" }, true],
    ["text", "endsWith", "b", { text: "abc" }, false],
    ["text", "doesNotEndWith", "b", { text: "abc" }, true],
    ["text", "isSubmitted", undefined, { text: "x" }, true],
    ["text", "isSubmitted", undefined, { text: "" }, false],
    ["text", "isSubmitted", undefined, {}, false],
    ["nps", "isSubmitted", undefined, { nps: 0 }, true],
    ["multi", "isSubmitted", undefined, { multi: ["Tea"] }, true],
    ["multi", "isSubmitted", undefined, { multi: [] }, false],
    ["file", "isSubmitted", undefined, { file: "skipped" }, false],
    ["file", "isSubmitted", undefined, { file: ["/a.pdf"] }, true],
    ["text", "isSkipped", undefined, {}, true],
    ["text", "isSkipped", undefined, { text: "" }, true],
    ["multi", "isSkipped", undefined, { multi: [] }, true],
    ["grid", "isSkipped", undefined, { grid: {} }, true],
    ["text", "isSkipped", undefined, { text: "x" }, false],
    ["file", "isSkipped", undefined, { file: "skipped" }, true],
    ["nps", "isGreaterThan", 5, { nps: 6 }, true],
    ["nps", "isGreaterThan", 5, { nps: 5 }, false],
    ["nps", "isGreaterThan", 5, {}, false],
    ["nps", "isLessThan", 5, { nps: 4 }, true],
    ["nps", "isLessThan", 5, {}, false],
    ["nps", "isGreaterThanOrEqual", 5, { nps: 5 }, true],
    ["nps", "isLessThanOrEqual", 5, { nps: 5 }, true],
    ["num", "isLessThanOrEqual", 5, { num: "5.5" }, false],
    ["single", "equalsOneOf", ["tea", "cof"], { single: "Coffee" }, true],
    ["single", "equalsOneOf", ["tea"], { single: "Coffee" }, false],
    ["single", "equalsOneOf", ["tea"], {}, false],
    ["multi", "includesAllOf", ["tea", "cof"], { multi: ["Coffee", "Tea"] }, true],
    ["multi", "includesAllOf", ["tea", "cof"], { multi: ["Tea"] }, false],
    ["multi", "includesOneOf", ["tea", "cof"], { multi: ["Tea"] }, true],
    ["multi", "includesOneOf", ["other"], { multi: ["Tea", "", "Own"] }, true],
    ["multi", "includesOneOf", ["other"], { multi: ["Tea"] }, false],
    ["multi", "doesNotIncludeAllOf", ["tea", "cof"], { multi: ["Tea"] }, false],
    ["multi", "doesNotIncludeAllOf", ["cof"], { multi: ["Tea"] }, true],
    ["multi", "doesNotIncludeOneOf", ["tea", "cof"], { multi: ["Tea"] }, false],
    ["multi", "doesNotIncludeOneOf", ["cof"], {}, true],
    ["cta", "isClicked", undefined, { cta: "clicked" }, true],
    ["cta", "isClicked", undefined, { cta: "" }, false],
    ["cta", "isNotClicked", undefined, { cta: "" }, true],
    ["cta", "isNotClicked", undefined, {}, true],
    ["ok", "isAccepted", undefined, { ok: "accepted" }, true],
    ["ok", "isAccepted", undefined, { ok: "" }, false],
    ["cal", "isBooked", undefined, { cal: "booked" }, true],
    ["cal", "isBooked", undefined, {}, false],
    ["date", "isBefore", "2026-01-03", { date: "2026-01-02" }, true],
    ["date", "isBefore", "2026-01-02", { date: "2026-01-02" }, false],
    ["date", "isAfter", "2026-01-01", { date: "2026-01-02" }, true],
    ["date", "isAfter", "2026-01-01", {}, false],
    ["grid", "isPartiallySubmitted", undefined, { grid: { Speed: "Good", Price: "" } }, true],
    ["grid", "isPartiallySubmitted", undefined, { grid: { Speed: "Good" } }, true],
    ["grid", "isPartiallySubmitted", undefined, { grid: { Speed: "Good", Price: "Bad" } }, false],
    ["grid", "isPartiallySubmitted", undefined, {}, false],
    ["grid", "isCompletelySubmitted", undefined, { grid: { Speed: "Good", Price: "Bad" } }, true],
    ["grid", "isCompletelySubmitted", undefined, { grid: { Speed: "Good", Price: "" } }, false],
    ["grid", "isCompletelySubmitted", undefined, { grid: { Speed: "Good" } }, false],
    ["grid", "isCompletelySubmitted", undefined, {}, false],
    ["text", "isSet", undefined, { text: "x" }, true],
    ["text", "isSet", undefined, { text: "" }, false],
    ["text", "isNotEmpty", undefined, { text: "x" }, true],
    ["text", "isNotSet", undefined, {}, true],
    ["text", "isNotSet", undefined, { text: "x" }, false],
    ["text", "isEmpty", undefined, { text: "" }, true],
    ["text", "isEmpty", undefined, {}, false],
    ["text", "noSuchOperator", "a", { text: "a" }, false],
  ])("%s %s %j on %j: %j", (id, operator, right, data, expected) => {
    expect(holds(element(id), operator, right === undefined ? undefined : fixed(right), input(data))).toBe(expected);
  });
});

describe("matrix rows", () => {
  it.each<[string, string, unknown, unknown, string, boolean]>([
    ["0", "equals", "0", { Speed: "Good" }, "default", true],
    ["0", "equals", "1", { Speed: "Bad" }, "default", true],
    ["0", "equals", "0", { Tempo: "Gut" }, "de-DE", true],
    ["1", "equals", "0", { Speed: "Good" }, "default", false],
    ["1", "doesNotEqual", "0", { Price: "Bad" }, "default", true],
    ["0", "isAnyOf", ["0", "1"], { Speed: "Bad" }, "default", true],
    ["0", "isAnyOf", ["0"], { Speed: "Bad" }, "default", false],
    ["0", "isEmpty", undefined, { Speed: "" }, "default", true],
    ["0", "isNotEmpty", undefined, { Speed: "Good" }, "default", true],
    ["7", "equals", "0", { Speed: "Good" }, "default", false],
  ])("row %s %s %j of %j in %s: %j", (row, operator, right, answer, language, expected) => {
    expect(holds(element("grid", row), operator, fixed(right), input({ grid: answer }, {}, language))).toBe(expected);
  });
});

describe("operands", () => {
  const score = { type: "variable", value: "score" };
  const label = { type: "variable", value: "label" };
  const plan = { type: "hiddenField", value: "plan" };

  it("reads number variables as numbers, 0 when they have no value", () => {
    expect(holds(score, "isGreaterThan", fixed(4), input({}, { score: "5" }))).toBe(true);
    expect(holds(score, "equals", fixed(0), input({}))).toBe(true);
  });

  it("reads text variables as text, empty when they have no value", () => {
    expect(holds(label, "isEmpty", undefined, input({}))).toBe(true);
    expect(holds(label, "equals", fixed("x"), input({}, { label: "x" }))).toBe(true);
  });

  it("reads hidden fields from the data", () => {
    expect(holds(plan, "equals", fixed("pro"), input({ plan: "pro" }))).toBe(true);
    expect(holds(plan, "isNotSet", undefined, input({}))).toBe(true);
  });

  it("takes elements, variables and hidden fields on the right", () => {
    expect(holds(element("text"), "equals", element("text2"), input({ text: "a", text2: "a" }))).toBe(true);
    expect(holds(element("text"), "equals", plan, input({ text: "a", plan: "a" }))).toBe(true);
    expect(holds(element("nps"), "isLessThan", score, input({ nps: 3 }, { score: 4 }))).toBe(true);
    expect(holds(element("date"), "isBefore", element("date2"), input({ date: "2026-01-01", date2: "2026-01-02" }))).toBe(true);
  });

  it("compares a text with the label of a choice", () => {
    expect(holds(element("text"), "equals", element("single"), input({ text: "Tea", single: "Tea" }))).toBe(true);
  });

  it("knows elements by their older name", () => {
    expect(holds({ type: "question", value: "text" }, "equals", fixed("a"), input({ text: "a" }))).toBe(true);
  });

  it("finds choices by their label in the response's language", () => {
    expect(holds(element("single"), "equals", fixed("tea"), input({ single: "Tee" }, {}, "de"))).toBe(true);
  });

  it.each([undefined, null, "x", {}, { type: "element" }, { type: "planet", value: "text" }])(
    "does not hold on the operand %j",
    (operand) => {
      expect(holds(operand, "doesNotEqual", fixed("a"), input({ text: "b" }))).toBe(false);
      expect(holds(element("text"), "doesNotEqual", operand, input({ text: "b" }))).toBe(false);
    },
  );
});

describe("groups", () => {
  const yes = { leftOperand: element("text"), operator: "isSet" };
  const no = { leftOperand: element("text"), operator: "isNotSet" };
  const given = input({ text: "x" });

  it.each([
    [{ connector: "and", conditions: [] }, true],
    [{ connector: "or", conditions: [] }, false],
    [{ connector: "and", conditions: [yes, no] }, false],
    [{ connector: "or", conditions: [no, yes] }, true],
    [{ connector: "and", conditions: [yes, { connector: "or", conditions: [no, yes] }] }, true],
    [{ connector: "and", conditions: [null] }, false],
    [{ connector: "and" }, false],
    [null, false],
    ["x", false],
  ])("%j: %j", (group, expected) => {
    expect(evaluateConditions(group, given)).toBe(expected);
  });

  it("do not hold when they are nested beyond the stack", () => {
    let group: unknown = { connector: "and", conditions: [yes] };
    for (let depth = 0; depth < 100_000; depth++) group = { connector: "and", conditions: [group] };
    expect(evaluateConditions(group, given)).toBe(false);
  });
});
