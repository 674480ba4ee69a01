import { describe, expect, it } from "vitest";
import { QuotaFields, quotaRuleIssues } from "./quota.ts";

const condition = (rest: object) => ({ id: "c1", ...rest });
const quota = {
  name: "Enough",
  limit: 10,
  logic: {
    connector: "and",
    conditions: [condition({ leftOperand: { type: "question", value: "q1" }, operator: "isSubmitted" })],
  },
  action: "continueSurvey",
};

describe("a quota", () => {
  it("reads the older word for an element", () => {
    expect(QuotaFields.parse(quota)).toEqual({
      ...quota,
      logic: {
        ...quota.logic,
        conditions: [{ id: "c1", leftOperand: { type: "element", value: "q1" }, operator: "isSubmitted" }],
      },
    });
  });

  it.each([
    ["no name", { name: "" }, "name"],
    ["a limit of 0", { limit: 0 }, "limit"],
    ["a limit that no column holds", { limit: 2 ** 31 }, "limit"],
    ["a group of conditions", { logic: { connector: "and", conditions: [quota.logic] } }, "logic.conditions.0.id"],
  ])("is refused with %s", (_what, changes, path) => {
    const issues = QuotaFields.safeParse({ ...quota, ...changes }).error?.issues ?? [];
    expect(issues.map((issue) => issue.path.join("."))).toContain(path);
  });
});

describe("a quota in its survey", () => {
  const choices = [
    { id: "pro", label: { default: "Pro" } },
    { id: "free", label: { default: "Free" } },
  ];
  const elements = [
    { id: "q1", type: "openText", headline: { default: "Hi?" }, required: false, inputType: "text" },
    { id: "plan", type: "multipleChoiceSingle", headline: { default: "Plan?" }, required: false, choices },
  ];
  const document = {
    blocks: elements.map((element, index) => ({ id: `block${index}`, name: "Block", elements: [element] })),
    endings: [{ id: "ending1", type: "endScreen", headline: { default: "Thanks" } }, "of another time"],
    variables: [{ id: "score", name: "score", type: "number", value: 0 }],
    hiddenFields: { enabled: true, fieldIds: ["source", 5] },
  };
  const issuesOf = (changes: object, survey: object = document) =>
    quotaRuleIssues(QuotaFields.parse({ ...quota, ...changes }), { ...survey }).map(({ path, message }) => [
      path.join("."),
      message,
    ]);
  const about = (leftOperand: object, operator: string, value?: unknown) => ({
    logic: {
      connector: "or",
      conditions: [condition({ leftOperand, operator, ...(value !== undefined && { rightOperand: { type: "static", value } }) })],
    },
  });

  it.each([
    ["answers of any block", about({ type: "element", value: "plan" }, "equals", "pro")],
    ["variables", about({ type: "variable", value: "score" }, "isGreaterThan", 5)],
    ["hidden fields", about({ type: "hiddenField", value: "source" }, "isSet")],
    ["everything", { logic: { connector: "and", conditions: [] } }],
  ])("may be about %s", (_what, changes) => {
    expect(issuesOf(changes)).toEqual([]);
  });

  it.each([
    ["an element", about({ type: "element", value: "gone" }, "isSubmitted"), 'The element "gone" does not exist'],
    ["a choice", about({ type: "element", value: "plan" }, "equals", "Pro"), "The value must be the id of a choice"],
    ["a variable", about({ type: "variable", value: "gone" }, "equals", 1), 'The variable "gone" does not exist'],
    ["a hidden field", about({ type: "hiddenField", value: "gone" }, "isSet"), 'The hidden field "gone" does not exist'],
  ])("is refused when %s is not there", (_what, changes, message) => {
    expect(issuesOf(changes)).toEqual([["logic.conditions.0", message]]);
  });

  it("is refused without an ending to end with, and with one that is not there", () => {
    expect(issuesOf({ action: "endSurvey" })).toEqual([["endingCardId", "An ending is required to end the survey"]]);
    expect(issuesOf({ action: "endSurvey", endingCardId: "gone" })).toEqual([["endingCardId", "The ending does not exist"]]);
    expect(issuesOf({ action: "endSurvey", endingCardId: "ending1" })).toEqual([]);
  });

  it("finds nothing in a survey that cannot be read", () => {
    const imported = { blocks: "none", endings: null, variables: 5, hiddenFields: [] };
    expect(issuesOf({}, imported)).toEqual([["logic.conditions.0", 'The element "q1" does not exist']]);
  });
});
