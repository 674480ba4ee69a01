import type { Survey } from "./state.ts";

const DEFAULT = "default";

/**
 * The key under which the survey's texts are found for the user's language; null when the survey does not speak it.
 * Entries may repeat a language under older codes, after its own: the texts are kept under the first one.
 * Source: sdk-contract §7, client-api §4.5.
 */
export function surveyLanguage({ languages }: Pick<Survey, "languages">, wanted: string | undefined): string | null {
  if (languages.length < 2 || !wanted || wanted === DEFAULT) return DEFAULT;
  const key = wanted.toLowerCase();
  const found = languages.find(({ language: { code, alias } }) => code.toLowerCase() === key || alias?.toLowerCase() === key);
  if (!found) return null;
  if (found.default) return DEFAULT;
  if (!found.enabled) return null;
  const own = found.language.id === undefined ? found : languages.find(({ language }) => language.id === found.language.id);
  return (own ?? found).language.code;
}
