import { describe, expect, it } from "vitest";
import type { ResponseData } from "../../responses/answer-values.ts";
import { findProblems } from "./answer-problems.ts";
import { readSurvey } from "./survey.ts";
import { textsOf } from "./survey-language.ts";

function problemsOf(element: object, answer: ResponseData[string] | undefined, required: string[] = []): string[] {
  const survey = readSurvey({ id: "s", blocks: [{ id: "b", elements: [{ id: "q", ...element }] }] });
  const block = survey?.blocks[0];
  if (block === undefined) throw new Error("no block");
  const answers = answer === undefined ? {} : { q: answer };
  return (findProblems({ block, answers, required, texts: textsOf("default") }).get("q") ?? []).map(({ type }) => type);
}

const choices = [
  { id: "tea", label: { default: "Tea" } },
  { id: "other", label: { default: "Other" } },
];
const field = (required: boolean) => ({ show: true, required, placeholder: { default: "x" } });

describe("findProblems", () => {
  it.each([
    ["a required text", { type: "openText", required: true }, undefined, ["required"]],
    ["an optional text", { type: "openText", required: false }, undefined, []],
    ["a required statement without a button", { type: "cta", required: true }, undefined, []],
    [
      "a required link",
      { type: "cta", required: true, buttonExternal: true, buttonUrl: "https://acme.test" },
      undefined,
      ["required"],
    ],
    ["a required element of a type that is not known", { type: "hologram", required: true }, undefined, []],
    ["an e-mail address", { type: "openText", inputType: "email" }, "ida", ["email"]],
    ["a web address", { type: "openText", inputType: "url" }, "acme", ["url"]],
    ["a short text", { type: "openText", charLimit: { enabled: true, min: 3 } }, "ab", ["minLength"]],
    ["a long text", { type: "openText", charLimit: { enabled: true, max: 3 } }, "abcd", ["maxLength"]],
    ["a limit that is off", { type: "openText", charLimit: { enabled: false, max: 3 } }, "abcd", []],
    ["another choice without a text", { type: "multipleChoiceSingle", choices }, " ", ["other"]],
    ["other choices without a text", { type: "multipleChoiceMulti", choices }, ["Tea", "", ""], ["other"]],
    [
      "a begun optional form",
      { type: "address", addressLine1: field(true), city: field(true) },
      ["1 Quay", "", "", "", "", ""],
      ["fields"],
    ],
    ["a complete form", { type: "address", addressLine1: field(true), city: field(false) }, ["1 Quay", "", "", "", "", ""], []],
    [
      "a pattern",
      { type: "openText", validation: { rules: [{ id: "r", type: "pattern", params: { pattern: "^a" } }] } },
      "b",
      ["pattern"],
    ],
    [
      "an invalid pattern, which asks for nothing",
      { type: "openText", validation: { rules: [{ id: "r", type: "pattern", params: { pattern: "(" } }] } },
      "b",
      [],
    ],
    [
      "a rule on an optional element that was passed over",
      { type: "multipleChoiceMulti", choices, validation: { rules: [{ id: "r", type: "minSelections", params: { min: 2 } }] } },
      undefined,
      [],
    ],
  ])("on %s", (_name, element, answer, expected) => {
    expect(problemsOf(element, answer)).toEqual(expected);
  });

  it("asks for what logic made required", () => {
    expect(problemsOf({ type: "nps", required: false }, undefined, ["q"])).toEqual(["required"]);
  });
});
