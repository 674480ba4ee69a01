import { describe, expect, it } from "vitest";
import { directionOf, fill, isMessage, messagesOf } from "./messages.ts";
import { ENGLISH } from "./messages-en.ts";
import { TRANSLATIONS } from "./messages-translated.ts";

const marksOf = (message: string) => (message.match(/\{\w+\}/g) ?? []).sort();

describe("messages", () => {
  it("are in the language, whatever its region, and in English where there is none", () => {
    expect(["de-DE", "DE", "pt_BR", "xx", undefined].map((language) => messagesOf(language).back)).toEqual([
      "Zurück",
      "Zurück",
      "Voltar",
      "Back",
      "Back",
    ]);
  });

  it.each(Object.entries(TRANSLATIONS))("have the same marks in %s as in English", (_language, translation) => {
    for (const [key, message] of Object.entries(translation))
      expect([key, marksOf(message)]).toEqual([key, isMessage(key) ? marksOf(ENGLISH[key]) : "a key that English lacks"]);
  });

  it("are filled with values, lists by commas", () => {
    expect(fill("{count} of {max}: {list}{gone}", { count: 1, max: 2, list: ["a", "b"] })).toBe("1 of 2: a, b");
  });

  it("know the direction", () => {
    expect(["ar-EG", "he", "en", undefined].map(directionOf)).toEqual(["rtl", "rtl", "ltr", "ltr"]);
  });
});
