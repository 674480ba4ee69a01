import { describe, expect, it } from "vitest";
import { readSurvey } from "../surveys/survey.ts";
import { textsOf } from "../surveys/survey-language.ts";
import { hiddenFieldsFrom, prefilledFrom } from "./link-query.ts";

const choices = ["Tea", "Milk"].map((label, index) => ({ id: `c${index}`, label: { default: label, de: `${label} (de)` } }));
const elements = [
  { id: "text", type: "openText" },
  { id: "count", type: "openText", inputType: "number" },
  { id: "one", type: "multipleChoiceSingle", choices },
  { id: "own", type: "multipleChoiceSingle", choices: [...choices, { id: "other", label: { default: "Other" } }] },
  { id: "many", type: "multipleChoiceMulti", choices },
  { id: "picture", type: "pictureSelection", choices: [{ id: "p1" }, { id: "p2" }] },
  { id: "nps", type: "nps" },
  { id: "stars", type: "rating", range: 5 },
  { id: "yes", type: "consent" },
  { id: "go", type: "cta" },
  { id: "day", type: "date" },
  { id: "file", type: "fileUpload" },
];
const survey = readSurvey({
  id: "s1",
  blocks: elements.map((element) => ({ id: `b-${element.id}`, elements: [element] })),
  hiddenFields: { enabled: true, fieldIds: ["plan"] },
});
const prefilled = (query: string, language = "default") =>
  survey && prefilledFrom(survey, new URLSearchParams(query), textsOf(language));

describe("a link's query", () => {
  it("answers every element that can be answered by a text", () => {
    const query =
      "text=Hi&count=3&one=Milk&own=Coffee&many=Tea,c1&picture=2,1&nps=0&stars=5&yes=accepted&go=clicked&day=2026-03-01";
    expect(prefilled(query)).toEqual({
      ...{ text: "Hi", count: "3", one: "Milk", own: "Coffee", many: ["Tea", "Milk"], picture: ["p2"] },
      ...{ nps: 0, stars: 5, yes: "accepted", go: "clicked", day: "2026-03-01" },
    });
  });

  it("gives choices in the language of the survey", () => {
    expect(prefilled("one=Milk (de)&many=c0", "de")).toEqual({ one: "Milk (de)", many: ["Tea (de)"] });
  });

  it("leaves out what an element cannot be answered with, and what there is no element for", () => {
    const query =
      "text=&count=x&one=Coffee&own=other&many=Tea,Coffee&picture=3&nps=11&stars=0&yes=no&go=x&day=1.3.&file=x&else=1";
    expect(prefilled(query)).toEqual({});
  });

  it("fills hidden fields that the survey has", () => {
    expect(survey && hiddenFieldsFrom(survey, new URLSearchParams("plan=pro&else=1"))).toEqual({ plan: "pro" });
  });
});
