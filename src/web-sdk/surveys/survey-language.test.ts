import { describe, expect, it } from "vitest";
import { readSurvey, type Survey } from "./survey.ts";
import { languageOptions, languageTag, textsOf, translateAnswers } from "./survey-language.ts";

const language = (code: string, isDefault: boolean, enabled = true) => ({
  default: isDefault,
  enabled,
  language: { id: code, code },
});
const label = (en: string, de: string) => ({ default: en, "de-DE": de });

function surveyOf(document: object): Survey {
  const survey = readSurvey({ id: "s", ...document });
  if (survey === null) throw new Error("no survey");
  return survey;
}

const survey = surveyOf({
  languages: [
    language("en-US", true),
    language("de-DE", false),
    language("fr-FR", false, false),
    language("en", true),
    language("de", false),
  ],
  blocks: [
    {
      id: "b",
      elements: [
        {
          id: "one",
          type: "multipleChoiceSingle",
          choices: [
            { id: "t", label: label("Tea", "Tee") },
            { id: "other", label: label("Other", "Anderes") },
          ],
        },
        { id: "many", type: "multipleChoiceMulti", choices: [{ id: "t", label: label("Tea", "Tee") }] },
        {
          id: "grid",
          type: "matrix",
          rows: [{ id: "r", label: label("Speed", "Tempo") }],
          columns: [{ id: "c", label: label("Good", "Gut") }],
        },
        { id: "text", type: "openText" },
      ],
    },
  ],
});

describe("the languages of a survey", () => {
  it("are told by their code, the default one too", () => {
    expect([languageTag(survey, "default"), languageTag(survey, "de-DE"), languageTag(surveyOf({}), "default")]).toEqual([
      "en-US",
      "de-DE",
      undefined,
    ]);
  });

  it("are offered once each, without those that are off", () => {
    expect(languageOptions(survey)).toEqual([
      { key: "default", name: "English" },
      { key: "de-DE", name: "Deutsch" },
    ]);
  });
});

describe("translateAnswers", () => {
  it("puts labels into the other language, and leaves what respondents wrote", () => {
    const answers = { one: "Rooibos", many: ["Tea", "", "Mate"], grid: { Speed: "Good" }, text: "Tea" };
    expect(translateAnswers(survey, answers, textsOf("default"), textsOf("de-DE"))).toEqual({
      one: "Rooibos",
      many: ["Tee", "", "Mate"],
      grid: { Tempo: "Gut" },
      text: "Tea",
    });
    expect(translateAnswers(survey, { one: "Tee" }, textsOf("de-DE"), textsOf("default"))).toEqual({ one: "Tea" });
  });
});
