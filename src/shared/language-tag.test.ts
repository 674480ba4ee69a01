import { describe, expect, it } from "vitest";
import { canonicalLanguage, echoLanguage, legacyLanguageCodes } from "./language-tag.ts";

describe("canonicalLanguage", () => {
  it.each([
    ["de", "de-DE"],
    ["DE_de", "de-DE"],
    ["  de-de  ", "de-DE"],
    ["pt", "pt-BR"],
    ["fr-ca", "fr-CA"],
    ["zh", "zh-Hans-CN"],
    ["zh-CN", "zh-Hans-CN"],
    ["zh-TW", "zh-Hant-TW"],
    ["zh-hant", "zh-Hant-TW"],
    ["zh-HK", "zh-Hant-HK"],
    ["zh_hant_hk", "zh-Hant-HK"],
    ["zh-SG", "zh-Hans-SG"],
    ["sr", "sr-RS"],
    ["sr-Latn", "sr-Latn-RS"],
    ["tl", "fil-PH"],
    ["tw", "ak-GH"],
    ["bh", "bho-IN"],
    ["no", "no-NO"],
    ["pi", "pi-IN"],
    ["pi-LK", "pi-LK"],
    ["und-DE", null],
    ["de-DE-1996-u-co-phonebk", "de-DE"],
    ["en-US", "en-US"],
    ["en-GB", "en-GB"],
  ])("makes %j %j", (text, tag) => {
    expect(canonicalLanguage(text)).toBe(tag);
  });

  it.each(["klingon", "english", "default", "und", "0", "", "   ", "??", "klingonish-xx-yy", "de-".repeat(60)])(
    "knows no language in %j",
    (text) => {
      expect(canonicalLanguage(text)).toBeNull();
    },
  );

  it("leaves its own results unchanged", () => {
    for (const code of ["de", "zh", "zh-HK", "tl", "tw", "bh", "pi", "sr-Latn", "eo"]) {
      const tag = canonicalLanguage(code);
      expect(canonicalLanguage(tag ?? "")).toBe(tag);
    }
  });
});

describe("legacyLanguageCodes", () => {
  it.each([
    ["de-DE", ["de"]],
    ["en-US", ["en"]],
    ["pt-BR", ["pt"]],
    ["zh-Hans-CN", ["zh", "zh-CN", "zh-Hans"]],
    ["zh-Hant-TW", ["zh-Hant", "zh-TW"]],
    ["zh-Hant-HK", ["zh-HK"]],
    ["ak-GH", ["ak", "tw"]],
    ["fil-PH", ["tl"]],
    ["bho-IN", ["bh"]],
    ["pi-IN", ["pi"]],
    ["de-AT", []],
    ["fr-CA", []],
    ["pt-PT", []],
    ["es-MX", []],
    ["en-GB", []],
    ["gsw-CH", []],
    ["klingon", []],
  ])("gives for %j %j", (tag, codes) => {
    expect(legacyLanguageCodes(tag)).toEqual(codes);
  });
});

describe("echoLanguage", () => {
  it.each([
    ["de-DE", "de"],
    ["de", "de"],
    ["en-US", "en"],
    ["de-AT", "de-AT"],
    ["de_at", "de-AT"],
    ["zh-Hans-CN", "zh"],
    ["zh-TW", "zh-Hant"],
    ["tw", "ak"],
    ["german", "german"],
    ["formal", "formal"],
    ["Formal German", "Formal German"],
  ])("tells clients of a stored %j as %j", (stored, echoed) => {
    expect(echoLanguage(stored)).toBe(echoed);
  });
});
