import { describe, expect, it } from "vitest";
import { findOverlongOther } from "./other-answers.ts";
import { readElements, textKeys } from "./survey-elements.ts";

const long = "x".repeat(251);
const choices = [
  { id: "a", label: { default: long, "de-DE": "kurz" } },
  { id: "other", label: { default: "Else" } },
];
const question = (type: string) => ({ id: "q", type, choices });

describe("findOverlongOther", () => {
  it.each([
    ["multipleChoiceSingle", "y".repeat(250), "default", null],
    ["multipleChoiceSingle", "y".repeat(251), "default", "q"],
    ["multipleChoiceSingle", long, "default", null],
    ["multipleChoiceSingle", long, "de", "q"],
    ["multipleChoiceMulti", ["Else", "", "y".repeat(251)], "default", "q"],
    ["multipleChoiceMulti", ["Else", "y"], "default", null],
    ["openText", "y".repeat(251), "default", null],
    ["multipleChoiceSingle", 5, "default", null],
  ])("%s answered with %j in %j: %j", (type, value, language, expected) => {
    const texts = textKeys(language, []);
    for (const document of [{ blocks: [{ elements: [question(type)] }] }, { questions: [question(type)] }])
      expect(findOverlongOther({ elements: readElements(document), data: { q: value }, texts })).toBe(expected);
  });
});
