import { expect, test } from "vitest";
import { Problem } from "../shared/problem.ts";
import { type SegmentFiltersContext, validateFilters } from "./service.ts";

const resource = (root: object, operator: string, value?: unknown) => ({ id: "cleaf", root, qualifier: { operator }, value });
const node = (given: unknown, connector: "and" | "or" | null = null) => ({ id: "cnode", connector, resource: given });
const ofKey = (operator: string, value?: unknown) =>
  resource({ type: "attribute", contactAttributeKey: "plan" }, operator, value);
const ofSegment = (segmentId: string) => resource({ type: "segment", segmentId }, "userIsIn", segmentId);
const within = { amount: 1, unit: "days" };
const ofSurveys = (value: object) =>
  resource({ type: "surveyInteraction" }, "haveSeen", { surveyScope: "specific", surveyIds: ["csurvey"], within, ...value });

const context: SegmentFiltersContext = {
  segmentId: "cself",
  surveyIds: new Set(["csurvey"]),
  segments: [
    { id: "cself", filters: [] },
    { id: "cother", filters: [] },
    { id: "cback", filters: [node(ofSegment("cself"))] },
    { id: "cfarback", filters: [node([node(ofSegment("cback"))])] },
  ],
};

const issuesOf = (filters: unknown, given: Partial<SegmentFiltersContext> = {}) => {
  try {
    validateFilters(filters, { ...context, ...given });
    return [];
  } catch (error) {
    if (!(error instanceof Problem) || error.kind !== "invalid") throw error;
    return error.issues?.map(({ field }) => field);
  }
};

test.each([
  [ofKey("equals", "pro")],
  [ofKey("equals", 5)],
  [ofKey("isSet")],
  [ofKey("isNotSet", "")],
  [ofKey("lessThan", 5)],
  [ofKey("contains", "x")],
  [ofKey("isOlderThan", { amount: 0.5, unit: "years" })],
  [ofKey("isBefore", "2026-01-01")],
  [ofKey("isBetween", ["2026-01-01", "2026-02-01"])],
  [resource({ type: "person", personIdentifier: "userId" }, "endsWith", "x")],
  [resource({ type: "device", deviceType: "phone" }, "notEquals", "desktop")],
  [ofSegment("cother")],
  [ofSurveys({})],
  [ofSurveys({ surveyScope: "any", surveyIds: [] })],
  [[]],
])("%o is a valid filter.", (given) => {
  expect(validateFilters([node(given)], context)).toEqual([node(given)]);
});

test.each([
  [ofKey("lessThan", "5"), "value"],
  [ofKey("contains", 5), "value"],
  [ofKey("startsWith", ""), "value"],
  [ofKey("equals", ""), "value"],
  [ofKey("equals"), "value"],
  [ofKey("isOlderThan", "x"), "value"],
  [ofKey("isBefore", ""), "value"],
  [ofKey("isBetween", ["2026-01-01", ""]), "value"],
  [ofKey("userIsIn", "x"), "qualifier.operator"],
  [resource({ type: "person", personIdentifier: "userId" }, "lessThan", 5), "qualifier.operator"],
  [resource({ type: "device", deviceType: "phone" }, "contains", "phone"), "qualifier.operator"],
  [resource({ type: "device", deviceType: "phone" }, "equals", "fridge"), "value"],
  [resource({ type: "surveyInteraction" }, "equals", "x"), "qualifier.operator"],
  [resource({ type: "surveyInteraction" }, "haveSeen", "x"), "value"],
  [ofSurveys({ surveyIds: [] }), "value"],
  [ofSurveys({ surveyIds: ["csurvey", "cforeign"] }), "value.surveyIds.1"],
  [ofSegment("cforeign"), "root.segmentId"],
  [ofSegment("cself"), "root.segmentId"],
  [ofSegment("cfarback"), "root.segmentId"],
])("%o is refused for its %s.", (given, field) => {
  expect(issuesOf([node(given)])).toEqual([`filters.0.resource.${field}`]);
});

test.each([
  ["an unknown operator", ofKey("resembles", "x")],
  ["an unknown root", resource({ type: "moon" }, "equals", "x")],
  ["a period of no length", ofKey("isOlderThan", { amount: 0, unit: "days" })],
  ["too many surveys", ofSurveys({ surveyIds: Array.from({ length: 101 }, () => "csurvey") })],
  ["a window over 999", ofSurveys({ within: { amount: 1_000, unit: "days" } })],
  ["a window in years", ofSurveys({ within: { amount: 1, unit: "years" } })],
])("A filter with %s is refused.", (_, given) => {
  expect(issuesOf([node(given)])).toHaveLength(1);
});

test("The first filter of every group has no connector.", () => {
  const plan = ofKey("isSet");
  expect(issuesOf([node(plan, "and")])).toEqual(["filters.0.connector"]);
  expect(issuesOf([node(plan), node([node(plan, "or")], "or")])).toEqual(["filters.1.resource.0.connector"]);
});

test("A new segment needs a filter; an existing one may lose its filters.", () => {
  expect(issuesOf([], { segmentId: null })).toEqual(["filters"]);
  expect(issuesOf([])).toEqual([]);
});

test("A new segment may refer to any segment, for none refers to it yet.", () => {
  expect(issuesOf([node(ofSegment("cfarback"))], { segmentId: null })).toEqual([]);
});

test("All broken rules are told at once.", () => {
  expect(issuesOf([node(ofKey("lessThan", "5")), node(ofKey("equals", ""), "and")])).toEqual([
    "filters.0.resource.value",
    "filters.1.resource.value",
  ]);
});

test("Nesting beyond all measure is refused and does not overflow the stack.", () => {
  let deep: unknown = [];
  for (let depth = 0; depth < 50_000; depth++) deep = [node(deep)];
  expect(issuesOf(deep)).toEqual(["filters"]);
});
