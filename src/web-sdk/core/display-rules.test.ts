import { describe, expect, test } from "vitest";
import { eligibleSurveys, hasSegmentFilters, isDrawn } from "./display-rules.ts";
import type { Survey, User } from "./state.ts";

const NOW = Date.parse("2026-06-10T12:00:00.000Z");
const HOUR_MS = 60 * 60_000;
const ago = (ms: number) => new Date(NOW - ms).toISOString();

const survey = (given: Partial<Survey> = {}): Survey => ({
  id: "s1",
  triggers: [],
  displayOption: "respondMultiple",
  languages: [],
  hiddenFields: {},
  segment: { id: "g1", hasFilters: false },
  ...given,
});
const user = (given: Partial<User> = {}): User => ({
  userId: "u1",
  contactId: "c1",
  segments: ["g1"],
  displays: [],
  responses: [],
  lastDisplayAt: null,
  ...given,
});
const isEligible = (given: Partial<Survey>, who: Partial<User> = {}, recontactDays: number | null = null) =>
  eligibleSurveys({ surveys: [survey(given)], actionClasses: [], settings: { recontactDays } }, user(who), NOW).length === 1;

describe("the display option", () => {
  const displays = (count: number) => Array.from({ length: count }, () => ({ surveyId: "s1", createdAt: ago(0) }));

  test.each([
    ["respondMultiple", { displays: displays(3), responses: ["s1"] }, true],
    ["displayOnce", {}, true],
    ["displayOnce", { displays: displays(1) }, false],
    ["displayOnce", { displays: [{ surveyId: "other", createdAt: ago(0) }] }, true],
    ["displayMultiple", { displays: displays(3) }, true],
    ["displayMultiple", { responses: ["s1"] }, false],
    ["somethingNew", {}, false],
  ])("%s after %j: %s", (displayOption, who, expected) => {
    expect(isEligible({ displayOption }, who)).toBe(expected);
  });

  test.each([
    [2, { displays: displays(1) }, true],
    [2, { displays: displays(2) }, false],
    [2, { responses: ["s1"] }, false],
    [null, { displays: displays(9), responses: ["s1"] }, true],
  ])("displaySome with limit %s after %j: %s", (displayLimit, who, expected) => {
    expect(isEligible({ displayOption: "displaySome", displayLimit }, who)).toBe(expected);
  });
});

describe("the wait between surveys", () => {
  test.each([
    ["never shown", null, null, 7, true],
    ["the survey's days are not over", ago(48 * HOUR_MS - 1), 2, null, false],
    ["the survey's days are over", ago(48 * HOUR_MS), 2, null, true],
    ["the survey's days count before the settings'", ago(HOUR_MS), 0, 7, true],
    ["the settings' days are not over", ago(HOUR_MS), null, 7, false],
    ["the settings' days are over", ago(168 * HOUR_MS), null, 7, true],
    ["the settings know no wait", ago(0), null, 0, true],
    ["nobody knows a wait", ago(0), null, null, true],
  ])("%s", (_case, lastDisplayAt, surveyDays, settingsDays, expected) => {
    expect(isEligible({ recontactDays: surveyDays }, { lastDisplayAt }, settingsDays)).toBe(expected);
  });
});

describe("the segment", () => {
  test.each([
    ["an anonymous visitor, no filters", { id: "g1", hasFilters: false }, { userId: null, segments: [] }, true],
    ["an anonymous visitor, filters", { id: "g1", hasFilters: true }, { userId: null, segments: [] }, false],
    ["an anonymous visitor, no segment", null, { userId: null, segments: [] }, true],
    ["a user in it", { id: "g1", hasFilters: true }, {}, true],
    ["a user in others", { id: "g2", hasFilters: false }, {}, false],
    ["a user in none", { id: "g1", hasFilters: false }, { segments: [] }, false],
    ["a user, no segment", null, {}, false],
  ])("%s", (_case, segment, who, expected) => {
    expect(isEligible({ segment }, who)).toBe(expected);
  });

  test("of an older server has filters when it lists some", () => {
    expect(hasSegmentFilters(survey({ segment: { id: "g1", filters: [{}] } }))).toBe(true);
    expect(hasSegmentFilters(survey({ segment: { id: "g1", filters: [] } }))).toBe(false);
    expect(hasSegmentFilters(survey({ segment: { id: "g1" } }))).toBe(false);
  });
});

test.each([
  [null, 0.999, true],
  [0, 0.999, true],
  [100, 0.999, true],
  [30, 0.299, true],
  [30, 0.3, false],
  [0.5, 0.004, true],
  [0.5, 0.005, false],
])("%s percent at a draw of %s: %s", (displayPercentage, draw, expected) => {
  expect(isDrawn(survey({ displayPercentage }), () => draw)).toBe(expected);
});
