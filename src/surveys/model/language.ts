/** The languages of a survey: references to languages of the environment. Source: survey-model §10. */
import { z } from "zod";
import { canonicalLanguage } from "../../shared/language-tag.ts";
import { asArray, isObject } from "./json.ts";

/** A language of the environment the survey belongs to. */
export interface KnownLanguage {
  id: string;
  code: string;
}

export const SurveyLanguage = z.object({
  language: z.object({ id: z.string(), code: z.string() }),
  default: z.boolean().default(false),
  enabled: z.boolean().default(true),
});
export type SurveyLanguage = z.infer<typeof SurveyLanguage>;

/**
 * The list with every reference (`{ language: { id } }`, `{ language: { code } }` or `{ language: "de" }`) replaced by
 * the environment's language: the one of just this code, or else of another spelling of it. What is no reference at all stays, for the schema to refuse; `missing` is the first
 * reference that leads nowhere.
 */
export function resolveLanguages(input: unknown, known: readonly KnownLanguage[]): { languages: unknown; missing?: string } {
  if (!Array.isArray(input)) return { languages: input };
  const byId = new Map(known.map((language) => [language.id, language]));
  const byCode = new Map(known.map((language) => [language.code.toLowerCase(), language]));
  const byTag = new Map(known.map((language) => [canonicalLanguage(language.code), language]));
  const findByCode = (code: string) => byCode.get(code.toLowerCase()) ?? byTag.get(canonicalLanguage(code) ?? code);
  let missing: string | undefined;
  const languages = asArray(input).map((entry) => {
    if (!isObject(entry)) return entry;
    const { id, code } = referenceOf(entry.language);
    const reference = id ?? code;
    if (reference === undefined) return entry;
    const found = id === undefined ? findByCode(reference) : byId.get(id);
    if (found === undefined) {
      missing ??= reference;
      return { ...entry, language: { id: reference, code: code ?? reference } };
    }
    return { ...entry, language: { id: found.id, code: found.code } };
  });
  return missing === undefined ? { languages } : { languages, missing };
}

function referenceOf(language: unknown): { id?: string; code?: string } {
  if (typeof language === "string") return { code: language };
  if (!isObject(language)) return {};
  return {
    ...(typeof language.id === "string" && { id: language.id }),
    ...(typeof language.code === "string" && { code: language.code }),
  };
}
