import { describe, expect, it } from "vitest";
import { buildSample } from "./sample.ts";

const AT = "2026-01-12T12:00:00.000Z";
const SURVEY = { id: "csurvey", title: "Onboarding pulse", type: "link", status: "inProgress", createdAt: AT, updatedAt: AT };
const SEGMENT = { id: "csegment", title: "Payers" };
const GROUND = { now: new Date(AT), newId: () => "cnew", survey: SURVEY, segment: SEGMENT };
const contact = { id: "cnew", userId: "test-user" };
const whole = {
  ...contact,
  email: "test-user@example.com",
  companyId: null,
  attributes: { firstName: "Ada", plan: "pro" },
  createdAt: "2026-01-11T12:00:00.000Z",
  updatedAt: AT,
};

describe("buildSample", () => {
  it.each([
    ["responseFinished", true],
    ["responseCreated", false],
    ["responseUpdated", false],
  ] as const)("is a response as %s tells of it", (event, finished) => {
    const { id: surveyId, ...survey } = SURVEY;
    expect(buildSample(event, GROUND)).toEqual({
      id: "cnew",
      createdAt: "2026-01-12T11:59:20.000Z",
      updatedAt: AT,
      surveyId,
      finished,
      endingId: finished ? "cnew" : null,
      data: { rating: 5, reason: "This is a test delivery" },
      variables: {},
      ttc: finished ? { rating: 2100, reason: 5400, _total: 7500 } : { rating: 2100 },
      meta: { source: "test", userAgent: { browser: "Firefox", os: "Linux", device: "desktop" } },
      contact,
      contactAttributes: { userId: "test-user" },
      singleUseId: null,
      language: "default",
      displayId: null,
      tags: [],
      survey,
    });
  });

  it.each([
    ["contactCreated", whole],
    ["contactUpdated", { ...whole, changedKeys: ["plan"] }],
    ["contactDeleted", { ...contact, email: whole.email, deletedAt: AT }],
    ["segmentEntered", { segment: SEGMENT, contact: whole }],
    ["segmentLeft", { segment: SEGMENT, contact: whole }],
    ["displayCreated", { id: "cnew", createdAt: AT, surveyId: "csurvey", contact }],
    [
      "eventTracked",
      {
        ...{ id: "cnew", name: "Test event", occurredAt: AT, source: "test", contact },
        properties: { test: true, amount: 49.9 },
      },
    ],
  ] as const)("is what %s tells of", (event, payload) => {
    expect(buildSample(event, GROUND)).toEqual(payload);
  });
});
