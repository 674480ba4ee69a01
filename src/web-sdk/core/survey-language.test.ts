import { expect, test } from "vitest";
import { surveyLanguage } from "./survey-language.ts";

const entry = (id: string, code: string, given: { alias?: string; default?: boolean; enabled?: boolean } = {}) => ({
  default: given.default ?? false,
  enabled: given.enabled ?? true,
  language: { id, code, alias: given.alias ?? null },
});
const languages = [
  entry("l1", "en-US", { default: true }),
  entry("l2", "de-DE", { alias: "german" }),
  entry("l3", "fr-FR", { enabled: false }),
  entry("l1", "en", { default: true }),
  entry("l2", "de"),
  entry("l3", "fr", { enabled: false }),
];

test.each([
  [undefined, "default"],
  ["", "default"],
  ["default", "default"],
  ["en-us", "default"],
  ["EN", "default"],
  ["de-DE", "de-DE"],
  ["DE", "de-DE"], // an older code of the language whose texts are under de-DE
  ["German", "de-DE"],
  ["fr", null],
  ["es", null],
])("a user's %s is the survey's %s", (wanted, expected) => {
  expect(surveyLanguage({ languages }, wanted)).toBe(expected);
});

test.each([[[]], [languages.slice(0, 1)]])("a survey of one language is shown to all", (few) => {
  expect(surveyLanguage({ languages: few }, "es")).toBe("default");
});
