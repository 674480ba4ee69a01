import { describe, expect, it } from "vitest";
import { readLiveSurvey } from "../../../environments/live-survey.ts";
import { type SurveyHistory, visibleSurveys } from "./visible-surveys.ts";

const NOW = Date.parse("2026-02-01T12:00:00Z");
const DAY_MS = 86_400_000;

const survey = (document: object, segment: { id: string; hasFilters: boolean } | null = null) =>
  readLiveSurvey({ id: "s", document, segmentId: segment?.id ?? null, triggers: [], languages: [] }, segment);

function isVisible(document: object, history: Partial<SurveyHistory> = {}, recontactDays = 0): boolean {
  const project = { recontactDays };
  const contact = { segmentIds: [], displays: [], responses: [], ...history };
  return visibleSurveys({ surveys: [survey(document)], project }, contact, NOW).length === 1;
}

const shown = (times: number, surveyId = "s", daysAgo = 100) => ({
  displays: Array.from({ length: times }, () => ({ surveyId, createdAt: NOW - daysAgo * DAY_MS })),
});
const answered = { responses: [{ surveyId: "s", createdAt: 0, finished: false }] };

describe("by how often it may be shown", () => {
  it.each([
    ["displayOnce", {}, true],
    ["displayOnce", shown(1), false],
    ["displayOnce", shown(1, "other"), true],
    ["displayMultiple", shown(9), true],
    ["displayMultiple", answered, false],
    ["respondMultiple", { ...shown(9), ...answered }, true],
    ["displaySome", shown(1), true],
    ["displaySome", shown(2), false],
    ["displaySome", answered, false],
  ])("%s after %j: %j", (displayOption, history, visible) => {
    expect(isVisible({ displayOption, displayLimit: 2 }, history)).toBe(visible);
  });

  it("displaySome without a limit goes on", () => {
    expect(isVisible({ displayOption: "displaySome" }, shown(50))).toBe(true);
  });
});

describe("by the days since any survey was shown", () => {
  it.each([
    [7, null, 6.9, false],
    [7, null, 7, true],
    [7, 1, 2, true],
    [7, 0, 0, true],
    [1, 9, 8, false],
    [0, null, 0, true],
  ])("the project wants %i, the survey %j, %f have passed: %j", (projectDays, recontactDays, daysAgo, visible) => {
    const document = { displayOption: "respondMultiple", recontactDays };
    expect(isVisible(document, shown(1, "other", daysAgo), projectDays)).toBe(visible);
  });
});

describe("by segment", () => {
  it.each([
    [null, true],
    [{ id: "in", hasFilters: true }, true],
    [{ id: "out", hasFilters: true }, false],
  ])("%j: %j", (segment, visible) => {
    const contact = { segmentIds: ["in"], displays: [], responses: [] };
    const state = { surveys: [survey({}, segment)], project: { recontactDays: 0 } };
    expect(visibleSurveys(state, contact, NOW)).toHaveLength(visible ? 1 : 0);
  });
});
