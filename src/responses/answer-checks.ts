/** The checks of a response's answers against its survey, with the survey's elements read once. Source: client-api §9.2, §10. */
import { invalid } from "../shared/problem.ts";
import type { LiveSurvey } from "../surveys/live-survey.ts";
import { validateAnswers } from "./answer-rules.ts";
import type { ResponseData } from "./answer-values.ts";
import type { SurveyElement } from "./element.ts";
import { findOverlongOther } from "./other-answers.ts";
import { readElements, textKeys } from "./survey-elements.ts";
import { findInvalidUpload } from "./upload-answers.ts";

const readings = new WeakMap<LiveSurvey, SurveyElement[]>();

/** The survey's elements; reading them costs more than a response does. */
export function elementsOf(survey: LiveSurvey): SurveyElement[] {
  const known = readings.get(survey);
  if (known) return known;
  const elements = readElements(survey.document);
  readings.set(survey, elements);
  return elements;
}

export interface AnswerChecks {
  survey: LiveSurvey;
  /** The answers of the request. */
  given: ResponseData;
  /** What would be stored: for a change, the stored answers with the given ones merged in. */
  merged: ResponseData;
  language: string | null;
  limitsOther: boolean;
  ownOrigins: readonly string[];
  /** See `UploadCheck`. */
  unscopedOwnerIds?: readonly string[];
  /** What is said of files that are not the element's. */
  invalidUpload?: string;
}

/** Throws `invalid` for the first kind of check that fails, in the contract's order. */
export function requireValidAnswers(checks: AnswerChecks): void {
  const { survey, given, merged, language, limitsOther, ownOrigins, unscopedOwnerIds = [] } = checks;
  const elements = elementsOf(survey);
  const texts = textKeys(language, survey.languages);
  const { environmentId, id: surveyId } = survey;
  if (findInvalidUpload({ elements, data: given, environmentId, surveyId, ownOrigins, unscopedOwnerIds }) !== null)
    throw invalid(checks.invalidUpload ?? "Invalid file upload response");
  const overlong = limitsOther ? findOverlongOther({ elements, data: given, texts }) : null;
  if (overlong !== null) throw invalid("Response exceeds character limit", { details: { questionId: overlong } });
  const issues = validateAnswers({ elements, data: merged, texts });
  if (issues.length > 0) throw invalid("Validation failed", { issues });
}
