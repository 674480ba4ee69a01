/** Which texts a question needs beyond what its element needs. Source: survey-model §6. */
import type { Question } from "./question.ts";
import type { Path, Report } from "./rule-issue.ts";
import { checkHasDefault, checkTranslatedIfGiven, type LanguageKeys } from "./translation-rules.ts";

/** @param isFirst the first question has no way back */
export function checkQuestionTexts(
  question: Question,
  { isFirst, isBackButtonHidden }: { isFirst: boolean; isBackButtonHidden: boolean },
  path: Path,
  keys: LanguageKeys,
  report: Report,
): void {
  const { buttonLabel, backButtonLabel } = question;
  checkHasDefault(buttonLabel, [...path, "buttonLabel"], report);
  checkHasDefault(backButtonLabel, [...path, "backButtonLabel"], report);
  const advancesByItself = question.required && (question.type === "nps" || question.type === "rating");
  if (!advancesByItself) checkTranslatedIfGiven(buttonLabel, [...path, "buttonLabel"], keys, report);
  if (!isFirst && !isBackButtonHidden) checkTranslatedIfGiven(backButtonLabel, [...path, "backButtonLabel"], keys, report);
  if ("upperLabel" in question) checkTranslatedIfGiven(question.upperLabel, [...path, "upperLabel"], keys, report);
  if ("lowerLabel" in question) checkTranslatedIfGiven(question.lowerLabel, [...path, "lowerLabel"], keys, report);
  if (question.type === "openText") checkTranslatedIfGiven(question.placeholder, [...path, "placeholder"], keys, report);
  if (question.type !== "cta") return;
  checkHasDefault(question.dismissButtonLabel, [...path, "dismissButtonLabel"], report);
  if (!question.required) checkTranslatedIfGiven(question.dismissButtonLabel, [...path, "dismissButtonLabel"], keys, report);
}
