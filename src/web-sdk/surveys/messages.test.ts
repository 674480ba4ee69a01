import { describe, expect, it } from "vitest";
import { ENGLISH } from "./messages/en.ts";
import { fill, isMessage, messagesOf, TRANSLATIONS } from "./messages.ts";

const marksOf = (message: string) => (message.match(/\{\w+\}/g) ?? []).sort();

describe("messages", () => {
  it("are in the language, whatever its region, and in English where there is none", () => {
    const languages = ["de-DE", "DE", "pt_BR", "zh-TW", "zh-CN", "xx", undefined];
    expect(languages.map((language) => messagesOf(language).next)).toEqual([
      ...["Weiter", "Weiter", "Avançar", "下一步", "下一步", "Next", "Next"],
    ]);
    expect([messagesOf("zh-TW").language, messagesOf("zh-CN").language]).toEqual(["語言", "语言"]);
  });

  it.each(Object.entries(TRANSLATIONS))("say the same in %s as in English, with the same marks", (_language, translation) => {
    expect(Object.keys(translation)).toEqual(Object.keys(ENGLISH));
    for (const [key, message] of Object.entries(translation)) {
      expect([key, marksOf(message)]).toEqual([key, isMessage(key) ? marksOf(ENGLISH[key]) : "a key that English lacks"]);
      expect(message.trim()).toBe(message);
      expect(message).not.toBe("");
    }
  });

  it("are filled with values, lists by commas", () => {
    expect(fill("{count} of {max}: {list}{gone}", { count: 1, max: 2, list: ["a", "b"] })).toBe("1 of 2: a, b");
  });
});
