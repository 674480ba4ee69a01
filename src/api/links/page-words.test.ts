import { describe, expect, it } from "vitest";
import { TRANSLATIONS } from "../../web-sdk/surveys/messages.ts";
import { hasWords, pageWordsOf } from "./page-words.ts";

describe("the words of pages", () => {
  it("are there in every language that the renderer knows", () => {
    expect(Object.keys(TRANSLATIONS).filter((language) => !hasWords(language))).toEqual([]);
    expect(new Set(Object.keys(TRANSLATIONS).map((language) => pageWordsOf(language).pin[0])).size).toBe(15);
  });

  it("are English for other languages, and nothing that is no tag is taken for one", () => {
    expect(pageWordsOf("tlh").survey).toBe("Survey");
    expect(['de"><b>', "constructor", "", "de-AT"].map(hasWords)).toEqual([false, false, false, true]);
  });
});
