import { describe, expect, it } from "vitest";
import { directionOf, wordsIn } from "./localized-words.ts";

const TABLE = { de: "deutsch", "zh-Hans": "简体", "zh-Hant": "繁體" };

describe("words", () => {
  it("are found by language, whatever its region and spelling", () => {
    expect(["de", "DE", "de-AT", "de_CH"].map((tag) => wordsIn(TABLE, tag))).toEqual(Array(4).fill("deutsch"));
  });

  it("are found by script for Chinese", () => {
    const tags = ["zh", "zh-CN", "zh-Hans-HK", "zh-TW", "zh_HK", "zh-Hant", "zh-Hant-TW"];
    expect(tags.map((tag) => wordsIn(TABLE, tag))).toEqual(["简体", "简体", "简体", "繁體", "繁體", "繁體", "繁體"]);
  });

  it("are not found for another language, none, or a member that every object has", () => {
    expect(["en", "", undefined, "constructor"].map((tag) => wordsIn(TABLE, tag))).toEqual(Array(4).fill(undefined));
  });

  it("know the side they are read from", () => {
    expect(["ar-EG", "he", "en", undefined].map(directionOf)).toEqual(["rtl", "rtl", "ltr", "ltr"]);
  });
});
