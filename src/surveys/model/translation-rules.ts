/** Which texts must be there in which languages. Source: survey-model §10. */
import type { SurveyLanguage } from "./language.ts";
import type { Path, Report } from "./rule-issue.ts";
import { hasText, type LocalizedText } from "./text.ts";

/** The languages of a survey under the keys their texts have. */
export interface LanguageKeys {
  /** Texts under these must not be empty; `default` always is one of them. */
  enabled: readonly string[];
  /** Texts must have these, though they may be empty. */
  known: readonly string[];
}

export function languageKeys(languages: readonly SurveyLanguage[]): LanguageKeys {
  const others = languages.filter((entry) => !entry.default);
  return {
    enabled: [...new Set(["default", ...others.filter(({ enabled }) => enabled).map(({ language }) => language.code)])],
    known: [...new Set(["default", ...others.map(({ language }) => language.code)])],
  };
}

/** Reports a text that is empty in an enabled language or lacks one of the survey's languages. */
export function checkTranslated(text: LocalizedText, path: Path, keys: LanguageKeys, report: Report): void {
  const empty = keys.enabled.filter((key) => !hasText(text[key]));
  const missing = keys.known.filter((key) => text[key] === undefined && !empty.includes(key));
  const languages = [...empty, ...missing];
  if (languages.length > 0) report(path, `The text is missing for: ${languages.join(", ")}`);
}

/** The same for a text that may be left out: nothing is asked of one that is blank by default. */
export function checkTranslatedIfGiven(text: LocalizedText | undefined, path: Path, keys: LanguageKeys, report: Report): void {
  if (text !== undefined && hasText(text.default)) checkTranslated(text, path, keys, report);
}

/** Reports a text without the key that every text has. */
export function checkHasDefault(text: LocalizedText | undefined, path: Path, report: Report): void {
  if (text !== undefined && text.default === undefined) report(path, "The default text is missing");
}
