import { describe, expect, test } from "vitest";
import { isExpired, readUser, readWorkspace } from "./state.ts";

const survey = { id: "s1", displayOption: "displayOnce", hiddenFields: {}, languages: [], triggers: [], blocks: [{}] };
const action = { id: "a1", name: "bought", type: "code", key: "bought", noCodeConfig: null };
const TIME = "2026-06-10T12:00:00.000Z";

test.each([
  [null, false],
  ["2026-06-10T12:00:00.001Z", false],
  [TIME, true],
  ["2025-01-01T00:00:00.000Z", true],
  ["soon", true],
])("%s is over: %s", (expiresAt, expected) => {
  expect(isExpired(expiresAt, Date.parse(TIME))).toBe(expected);
});

describe("an environment", () => {
  const data = { surveys: [survey], actionClasses: [action], workspace: { id: "w" }, project: { id: "p" } };

  test("is read with its surveys untouched", () => {
    expect(readWorkspace({ data: { ...data, recaptchaSiteKey: "k" }, expiresAt: TIME })).toEqual({
      data: { surveys: [survey], actionClasses: [action], settings: { id: "w" }, recaptchaSiteKey: "k" },
      expiresAt: TIME,
    });
  });

  test.each([
    ["settings", { ...data, settings: { id: "s" } }, { id: "s" }],
    ["project", { surveys: [], actionClasses: [], project: { id: "p" } }, { id: "p" }],
  ])("may name its settings %s", (_name, given, settings) => {
    expect(readWorkspace({ data: given, expiresAt: TIME })?.data.settings).toEqual(settings);
  });

  test.each([
    [Date.parse(TIME), TIME],
    ["2026-06-10T12:00:00Z", TIME],
    [undefined, "1970-01-01T00:00:00.000Z"],
    ["soon", "1970-01-01T00:00:00.000Z"],
  ])("that lasts until %s lasts until %s", (expiresAt, expected) => {
    expect(readWorkspace({ data, expiresAt })?.expiresAt).toBe(expected);
  });

  test("loses what cannot be understood", () => {
    const surveys = [
      survey,
      null,
      { ...survey, triggers: null },
      { ...survey, languages: [{}] },
      { ...survey, hiddenFields: null },
    ];
    const actionClasses = [action, { name: 1, type: "code" }, { ...action, noCodeConfig: "x" }];
    expect(readWorkspace({ data: { ...data, surveys, actionClasses }, expiresAt: TIME })?.data).toMatchObject({
      surveys: [survey],
      actionClasses: [action],
    });
  });

  test.each([[null], [{}], [{ data: null }], [{ data: { surveys: [] } }], [{ data: { workspace: {} } }], [data]])(
    "is not %j",
    (value) => {
      expect(readWorkspace(value)).toBeNull();
    },
  );
});

describe("a user", () => {
  const data = { userId: "u1", contactId: "c1", segments: ["g1"], displays: [], responses: ["s1"], lastDisplayAt: null };

  test("is read", () => {
    const displays = [{ surveyId: "s1", createdAt: TIME }];
    const full = { ...data, displays, lastDisplayAt: TIME, language: "de" };
    expect(readUser({ data: full, expiresAt: TIME })).toEqual({ data: full, expiresAt: TIME });
  });

  test("without id is anonymous", () => {
    const { userId: _, contactId: __, ...rest } = data;
    expect(readUser({ data: rest })).toEqual({ data: { ...data, userId: null, contactId: null }, expiresAt: null });
  });

  test.each(["segments", "displays", "responses"])("without %s is none", (key) => {
    expect(readUser({ data: { ...data, [key]: undefined }, expiresAt: TIME })).toBeNull();
  });
});
