import { describe, expect, it } from "vitest";
import { findChoice, isLabel, textIn } from "./element.ts";
import { readElements, textKeys } from "./survey-elements.ts";

const languages = [
  { code: "en-US", alias: null, default: true },
  { code: "de-DE", alias: "german", default: false },
  { code: "pt-PT", alias: null, default: false },
];

describe("readElements", () => {
  it("reads the elements of all blocks in order", () => {
    const blocks = [{ elements: [{ id: "a", type: "openText" }] }, { elements: [{ id: "b", type: "nps", required: true }] }];
    expect(readElements({ blocks, questions: [{ id: "old", type: "nps" }] }).map(({ id, required }) => [id, required])).toEqual([
      ["a", false],
      ["b", true],
    ]);
  });

  it("reads questions when there are no blocks", () => {
    expect(readElements({ blocks: [], questions: [{ id: "q", type: "openText" }] }).map(({ id }) => id)).toEqual(["q"]);
  });

  it("gives the bare rows of old matrices a label", () => {
    const [matrix] = readElements({ questions: [{ id: "m", type: "matrix", rows: [{ default: "Speed" }], columns: [] }] });
    expect(matrix?.rows).toEqual([{ id: "", label: { default: "Speed" } }]);
  });

  it.each([null, 5, "x", [], {}, { blocks: 5 }, { blocks: [null, { elements: [null, { id: 5 }] }] }])(
    "finds no elements in %j",
    (document) => {
      expect(readElements(document)).toEqual([]);
    },
  );
});

describe("textKeys", () => {
  it.each([
    ["default", ["default"]],
    ["en-US", ["default"]],
    ["en", ["default"]],
    ["de-DE", ["de-DE", "de", "default"]],
    ["de", ["de-DE", "de", "default"]],
    ["GERMAN", ["de-DE", "GERMAN", "de", "default"]],
    ["pt-PT", ["pt-PT", "default"]],
    ["fr", ["fr", "fr-FR", "default"]],
    ["klingon", ["klingon", "default"]],
  ])("looks for the texts of %j under %j", (language, keys) => {
    expect(textKeys(language, languages)).toEqual({ keys, anyOf: false });
  });

  it.each([null, undefined, "", "  "])(
    "takes a response in language %j for one in the default language or English",
    (language) => {
      expect(textKeys(language, [{ code: "de-DE", alias: null, default: true }])).toEqual({
        keys: ["en", "en-US", "default"],
        anyOf: true,
      });
    },
  );
});

describe("labels", () => {
  const label = { default: "Tea", "de-DE": "Tee", "fr-FR": "" };

  it.each([
    ["Tee", "de", true],
    ["Tea", "de", false],
    ["Tea", "fr", true],
    ["Tea", "es", true],
    ["Tea", "default", true],
    ["", "fr", false],
  ])("%j is the label in %j: %j", (answer, language, expected) => {
    expect(isLabel(answer, label, textKeys(language, languages))).toBe(expected);
  });

  it("ignores what objects inherit", () => {
    expect(textIn({}, { keys: ["constructor", "default"], anyOf: false })).toBe("");
  });

  it("finds a choice by id or label", () => {
    const [element] = readElements({
      questions: [
        {
          id: "q",
          type: "multipleChoiceSingle",
          choices: [
            { id: "tea", label },
            { id: "other", label: { default: "Else" } },
          ],
        },
      ],
    });
    if (element === undefined) throw new Error("the element was not read");
    const texts = textKeys("de", languages);
    expect(["tea", "Tee", "Else", "Tea"].map((answer) => findChoice(element, answer, texts)?.id)).toEqual([
      "tea",
      "tea",
      "other",
      undefined,
    ]);
  });
});
