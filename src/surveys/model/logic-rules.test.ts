import { describe, expect, it } from "vitest";
import { parseSurveyCreate } from "./parse.ts";

const text = (value: string) => ({ default: value });
const base = { headline: text("A question"), required: false };
const choices = (...ids: string[]) => ids.map((id) => ({ id, label: text(id) }));

/** Every kind of left side, in one block, so that block `b2` may ask all of them. */
const ASKED = [
  { ...base, id: "words", type: "openText" },
  { ...base, id: "figure", type: "openText", inputType: "number" },
  { ...base, id: "one", type: "multipleChoiceSingle", choices: choices("red", "blue") },
  { ...base, id: "some", type: "multipleChoiceMulti", choices: choices("red", "blue") },
  {
    ...base,
    id: "picture",
    type: "pictureSelection",
    choices: ["p1", "p2"].map((id) => ({ id, imageUrl: `/storage/${id}.png` })),
  },
  { ...base, id: "promote", type: "nps" },
  { ...base, id: "stars", type: "rating", scale: "star", range: 5 },
  { ...base, id: "effort", type: "ces", scale: "number", range: 7 },
  { ...base, id: "happy", type: "csat", scale: "smiley", range: 5 },
  { ...base, id: "inside", type: "cta" },
  { ...base, id: "outside", type: "cta", buttonExternal: true, buttonUrl: "https://example.test", ctaButtonLabel: text("Go") },
  { ...base, id: "terms", type: "consent", label: text("I agree") },
  { ...base, id: "day", type: "date", format: "d-M-y" },
  { ...base, id: "proof", type: "fileUpload", allowMultipleFiles: false },
  { ...base, id: "call", type: "cal", calUserName: "team" },
  { ...base, id: "grid", type: "matrix", rows: choices("speed", "price"), columns: choices("good", "bad", "ugly") },
  { ...base, id: "order", type: "ranking", choices: choices("x", "y") },
  { ...base, id: "must", type: "openText", required: true },
];

const left = (value: string, type = "element", meta?: object) => ({ type, value, ...(meta && { meta }) });
const fixed = (value: unknown) => ({ type: "static", value });
const condition = (leftOperand: object, operator: string, rightOperand?: object) => ({
  id: "cond1",
  leftOperand,
  operator,
  ...(rightOperand && { rightOperand }),
});
const rule = (conditions: object[], actions: object[] = []) => ({
  id: "rule1",
  conditions: { id: "group1", connector: "and", conditions },
  actions,
});
const jump = (target: string) => ({ id: "act1", objective: "jumpToBlock", target });
const calculate = (variableId: string, operator: string, value: object) => ({
  id: "act1",
  objective: "calculate",
  variableId,
  operator,
  value,
});
const requireAnswer = (target: string) => ({ id: "act1", objective: "requireAnswer", target });

const plain = (id: string, changes: object = {}) => ({
  id,
  name: id,
  elements: [{ ...base, id: `of-${id}`, type: "nps" }],
  ...changes,
});

/** The asking block is the second of four. */
const asking = (changes: object, others: object[] = [plain("b3"), plain("b4")]) => ({
  name: "Logic",
  endings: [{ id: "end1", type: "endScreen", headline: text("Bye") }],
  hiddenFields: { enabled: true, fieldIds: ["plan"] },
  variables: [
    { id: "number1", name: "score", type: "number" },
    { id: "number2", name: "total", type: "number" },
    { id: "text1", name: "label", type: "text" },
  ],
  blocks: [{ id: "b1", name: "Asked", elements: ASKED }, plain("b2", changes), ...others],
});

const parse = (input: unknown) => parseSurveyCreate(input, { newId: () => "made1", languages: [] });

function refusedPaths(input: unknown): string[] {
  const result = parse(input);
  return result.ok ? [] : (result.problem.issues ?? []).map(({ field }) => field);
}

const CONDITIONS = ["blocks.1.logic.0.conditions"];

describe("a condition", () => {
  it.each([
    ["text with a fixed text", condition(left("words"), "startsWith", fixed("a"))],
    ["text with a date", condition(left("words"), "equals", left("day"))],
    ["text under the older word", condition(left("words", "question"), "equals", left("one", "question"))],
    ["a number with 0", condition(left("figure"), "isGreaterThan", fixed(0))],
    ["a number with a rating", condition(left("figure"), "equals", left("stars"))],
    ["a choice by its id", condition(left("one"), "equals", fixed("red"))],
    ["a choice with several", condition(left("one"), "equalsOneOf", fixed(["red", "blue"]))],
    ["choices with one", condition(left("some"), "doesNotEqual", fixed("blue"))],
    ["choices with several", condition(left("some"), "doesNotIncludeAllOf", fixed(["red"]))],
    ["pictures", condition(left("picture"), "includesOneOf", fixed(["p2"]))],
    ["a score", condition(left("promote"), "equals", fixed(0))],
    ["a score with a variable", condition(left("promote"), "isLessThan", left("number1", "variable"))],
    ["a satisfaction", condition(left("happy"), "isGreaterThanOrEqual", fixed(5))],
    ["an effort", condition(left("effort"), "equals", fixed(7))],
    ["an external button", condition(left("outside"), "isNotClicked")],
    ["a consent", condition(left("terms"), "isAccepted")],
    ["a date", condition(left("day"), "isAfter", fixed("2026-01-31"))],
    ["a date with a hidden field", condition(left("day"), "equals", left("plan", "hiddenField"))],
    ["an upload", condition(left("proof"), "isSubmitted")],
    ["a meeting", condition(left("call"), "isBooked")],
    ["a table", condition(left("grid"), "isPartiallySubmitted")],
    ["a row of a table", condition(left("grid", "element", { row: "1" }), "isAnyOf", fixed(["0", "2"]))],
    ["a ranking", condition(left("order"), "isSkipped")],
    ["a text variable", condition(left("text1", "variable"), "contains", fixed("x"))],
    ["a number variable", condition(left("number1", "variable"), "isLessThanOrEqual", fixed(3))],
    ["a hidden field", condition(left("plan", "hiddenField"), "isSet")],
    ["the same block", condition(left("of-b2"), "isSubmitted")],
    ["a group in a group", { id: "g2", connector: "or", conditions: [condition(left("terms"), "isAccepted")] }],
  ])("may ask %s", (_what, node) => {
    expect(refusedPaths(asking({ logic: [rule([node])] }))).toEqual([]);
  });

  it.each([
    ["an unknown element", condition(left("nobody"), "isSubmitted")],
    ["a later element", condition(left("of-b3"), "isSubmitted")],
    ["an operator of another type", condition(left("terms"), "equals", fixed("x"))],
    ["text order of a number", condition(left("figure"), "contains", fixed("1"))],
    ["an unknown choice", condition(left("one"), "equals", fixed("green"))],
    ["an unknown choice of several", condition(left("one"), "equalsOneOf", fixed(["red", "green"]))],
    ["one choice for several", condition(left("some"), "includesAllOf", fixed("red"))],
    ["a variable as a choice", condition(left("one"), "equals", left("text1", "variable"))],
    ["a score above ten", condition(left("promote"), "equals", fixed(11))],
    ["no stars", condition(left("stars"), "equals", fixed(0))],
    ["a score in text", condition(left("promote"), "equals", fixed("5"))],
    ["a score against a text variable", condition(left("promote"), "equals", left("text1", "variable"))],
    ["a button that is not external", condition(left("inside"), "isClicked")],
    ["whether a required answer was skipped", condition(left("must"), "isSkipped")],
    ["a date that is none", condition(left("day"), "isBefore", fixed("soon"))],
    ["a date against a number variable", condition(left("day"), "equals", left("number1", "variable"))],
    ["a text against a rating", condition(left("words"), "equals", left("stars"))],
    ["a row that is not there", condition(left("grid", "element", { row: "2" }), "equals", fixed("0"))],
    ["a column that is not there", condition(left("grid", "element", { row: "0" }), "equals", fixed("3"))],
    ["a table for a value", condition(left("grid"), "equals", fixed("0"))],
    ["a value where none is compared", condition(left("terms"), "isAccepted", fixed("x"))],
    ["no value where one is compared", condition(left("words"), "equals")],
    ["an empty text", condition(left("words"), "equals", fixed(""))],
    ["an unknown variable", condition(left("nobody", "variable"), "equals", fixed("x"))],
    ["text of a number variable", condition(left("number1", "variable"), "contains", fixed("x"))],
    ["an unknown hidden field", condition(left("nobody", "hiddenField"), "isSet")],
    ["an order of hidden fields", condition(left("plan", "hiddenField"), "isLessThan", fixed(1))],
    ["an unknown right side", condition(left("words"), "equals", left("nobody"))],
    ["a group with a bad question", { id: "g2", connector: "or", conditions: [condition(left("nobody"), "isSubmitted")] }],
    ["under a bad id", { ...condition(left("terms"), "isAccepted"), id: "No" }],
  ])("may not ask %s", (_what, node) => {
    expect(refusedPaths(asking({ logic: [rule([node])] }))).toEqual(CONDITIONS);
  });

  it("of a broken shape is refused as a whole", () => {
    const unknownOperator = condition(left("words"), "resembles", fixed("x"));
    expect(refusedPaths(asking({ logic: [rule([unknownOperator])] }))).toEqual([`${CONDITIONS[0]}.conditions.0`]);
  });
});

describe("an action", () => {
  const ACTION = ["blocks.1.logic.0.actions.0"];

  it.each([
    ["jump ahead", jump("b4")],
    ["jump to an ending", jump("end1")],
    ["add to a number", calculate("number1", "add", fixed(3))],
    ["assign 0", calculate("number1", "assign", fixed(0))],
    ["join texts", calculate("text1", "concat", left("one"))],
    ["take a number from an element", calculate("number1", "multiply", left("figure", "question"))],
    ["take a number from a variable", calculate("number1", "subtract", left("number2", "variable"))],
    ["require a later answer", requireAnswer("of-b3")],
  ])("may %s", (_what, action) => {
    expect(refusedPaths(asking({ logic: [rule([], [action])] }))).toEqual([]);
  });

  it.each([
    ["jump to nowhere", jump("nowhere")],
    ["jump to its own block", jump("b2")],
    ["divide by zero", calculate("number1", "divide", fixed(0))],
    ["use an unknown variable", calculate("nobody", "assign", fixed(1))],
    ["join numbers", calculate("number1", "concat", fixed(1))],
    ["assign a text to a number", calculate("number1", "assign", fixed("1"))],
    ["assign nothing", calculate("text1", "assign", fixed(""))],
    ["mix types of variables", calculate("number1", "assign", left("text1", "variable"))],
    ["take a number from words", calculate("number1", "assign", left("words"))],
    ["take a text from an upload", calculate("text1", "assign", left("proof"))],
    ["use an unknown element", calculate("text1", "assign", left("nobody"))],
    ["require an answer of its own block", requireAnswer("of-b2")],
    ["require an earlier answer", requireAnswer("words")],
    ["require an unknown answer", requireAnswer("nobody")],
  ])("may not %s", (_what, action) => {
    expect(refusedPaths(asking({ logic: [rule([], [action])] }))).toEqual(ACTION);
  });

  it("may not require what is required already", () => {
    const required = plain("b3", { elements: [{ ...base, id: "of-b3", type: "nps", required: true }] });
    expect(refusedPaths(asking({ logic: [rule([], [requireAnswer("of-b3")])] }, [required]))).toEqual(ACTION);
  });

  it("is the only jump of its rule", () => {
    expect(refusedPaths(asking({ logic: [rule([], [jump("b3"), jump("b4")])] }))).toEqual(["blocks.1.logic.0.actions"]);
  });
});

describe("the way through", () => {
  const FALLBACK = ["blocks.1.logicFallback"];

  it.each([
    ["a block", "b4"],
    ["an ending", "end1"],
  ])("may fall back to %s", (_what, logicFallback) => {
    expect(refusedPaths(asking({ logic: [rule([])], logicFallback }))).toEqual([]);
  });

  it.each([
    ["nowhere", { logic: [rule([])], logicFallback: "nowhere" }],
    ["its own block", { logic: [rule([])], logicFallback: "b2" }],
    ["a block without logic", { logicFallback: "b4" }],
    ["a block with empty logic", { logic: [], logicFallback: "b4" }],
  ])("may not fall back to %s", (_what, changes) => {
    expect(refusedPaths(asking(changes))).toEqual(FALLBACK);
  });

  it("may not lead back", () => {
    expect(refusedPaths(asking({ logic: [rule([], [jump("b1")])] }))).toEqual(["blocks.1.logic"]);
    expect(refusedPaths(asking({ logic: [rule([])], logicFallback: "b1" }))).toEqual(FALLBACK);
  });

  it("names only the jump that closes the circle", () => {
    const back = plain("b3", { logic: [rule([], [jump("b2")])] });
    expect(refusedPaths(asking({ logic: [rule([], [jump("b4")])] }, [back, plain("b4")]))).toEqual(["blocks.2.logic"]);
  });

  it("may go back where nothing comes round again", () => {
    // b1 → b2 → b4 → b3 → ending
    const third = plain("b3", { logic: [rule([])], logicFallback: "end1" });
    const fourth = plain("b4", { logic: [rule([])], logicFallback: "b3" });
    expect(refusedPaths(asking({ logic: [rule([])], logicFallback: "b4" }, [third, fourth]))).toEqual([]);
  });
});

describe("logic on questions", () => {
  const jumpToQuestion = (target: string) => ({ id: "act1", objective: "jumpToQuestion", target });
  const asked = (changes: object) => ({
    name: "Older",
    endings: [{ id: "end1", type: "endScreen", headline: text("Bye") }],
    questions: [
      { ...base, id: "first", type: "nps" },
      { ...base, id: "second", type: "csat", scale: "star", range: 5, ...changes },
      { ...base, id: "third", type: "nps" },
    ],
  });

  it("may ask the same question, csat included, and jump to later ones", () => {
    const logic = [rule([condition(left("second", "question"), "isLessThan", fixed(3))], [jumpToQuestion("third")])];
    expect(refusedPaths(asked({ logic, logicFallback: "end1" }))).toEqual([]);
  });

  it.each([
    [
      "asks a later question",
      { logic: [rule([condition(left("third", "question"), "isSubmitted")])] },
      "questions.1.logic.0.conditions",
    ],
    ["jumps nowhere", { logic: [rule([], [jumpToQuestion("nowhere")])] }, "questions.1.logic.0.actions.0"],
    ["jumps back", { logic: [rule([], [jumpToQuestion("first")])] }, "questions.1.logic"],
    ["falls back without logic", { logicFallback: "third" }, "questions.1.logicFallback"],
    ["requires an earlier answer", { logic: [rule([], [requireAnswer("first")])] }, "questions.1.logic.0.actions.0"],
  ])("is refused at the question when it %s", (_what, changes, path) => {
    expect(refusedPaths(asked(changes))).toEqual([path]);
  });
});
