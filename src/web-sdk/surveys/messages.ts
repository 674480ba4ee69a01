/** The renderer's own words. Surveys bring theirs; these stand where a survey has none. */
import { ENGLISH } from "./messages-en.ts";
import { TRANSLATIONS } from "./messages-translated.ts";

export type Messages = Record<keyof typeof ENGLISH, string>;

const RIGHT_TO_LEFT = new Set(["ar", "dv", "fa", "he", "iw", "ku", "ps", "sd", "ug", "ur", "yi"]);

/** By a language code such as `de` or `pt-BR`; English for a language there are no words in. */
export function messagesOf(language: string | undefined): Messages {
  return { ...ENGLISH, ...TRANSLATIONS[baseOf(language)] };
}

export const directionOf = (language: string | undefined): "ltr" | "rtl" => (RIGHT_TO_LEFT.has(baseOf(language)) ? "rtl" : "ltr");

/** A message with its `{name}`s filled. */
export const fill = (message: string, values: Readonly<Record<string, unknown>>): string =>
  message.replace(/\{(\w+)\}/g, (_mark, name: string) => {
    const value = values[name];
    return Array.isArray(value) ? value.join(", ") : String(value ?? "");
  });

export function isMessage(key: string): key is keyof Messages {
  return Object.keys(ENGLISH).includes(key);
}

const baseOf = (language: string | undefined): string => (language ?? "en").toLowerCase().split(/[-_]/)[0] ?? "en";
