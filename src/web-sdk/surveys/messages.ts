/** The renderer's own words. Surveys bring theirs; these stand where a survey has none. */
import { wordsIn } from "../../shared/localized-words.ts";
import { ARABIC } from "./messages/ar.ts";
import { GERMAN } from "./messages/de.ts";
import { ENGLISH, type Messages } from "./messages/en.ts";
import { SPANISH } from "./messages/es.ts";
import { FRENCH } from "./messages/fr.ts";
import { HINDI } from "./messages/hi.ts";
import { ITALIAN } from "./messages/it.ts";
import { JAPANESE } from "./messages/ja.ts";
import { DUTCH } from "./messages/nl.ts";
import { PORTUGUESE } from "./messages/pt.ts";
import { ROMANIAN } from "./messages/ro.ts";
import { RUSSIAN } from "./messages/ru.ts";
import { SWEDISH } from "./messages/sv.ts";
import { SIMPLIFIED_CHINESE } from "./messages/zh-hans.ts";
import { TRADITIONAL_CHINESE } from "./messages/zh-hant.ts";

export type { Messages };

/** By language, and script where a language has two. */
export const TRANSLATIONS: Readonly<Record<string, Messages>> = {
  ar: ARABIC,
  de: GERMAN,
  en: ENGLISH,
  es: SPANISH,
  fr: FRENCH,
  hi: HINDI,
  it: ITALIAN,
  ja: JAPANESE,
  nl: DUTCH,
  pt: PORTUGUESE,
  ro: ROMANIAN,
  ru: RUSSIAN,
  sv: SWEDISH,
  "zh-Hans": SIMPLIFIED_CHINESE,
  "zh-Hant": TRADITIONAL_CHINESE,
};

/** By a language code such as `de` or `pt-BR`; English for a language there are no words in. */
export const messagesOf = (language: string | undefined): Messages => wordsIn(TRANSLATIONS, language) ?? ENGLISH;

/** A message with its `{name}`s filled. */
export const fill = (message: string, values: Readonly<Record<string, unknown>>): string =>
  message.replace(/\{(\w+)\}/g, (_mark, name: string) => {
    const value = values[name];
    return Array.isArray(value) ? value.join(", ") : String(value ?? "");
  });

export function isMessage(key: string): key is keyof Messages {
  return Object.keys(ENGLISH).includes(key);
}
