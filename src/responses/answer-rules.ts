/** The checks of answers as the server runs them: patterns have little time. Source: client-api §11, survey-model §7. */
import type { ProblemIssue } from "../shared/problem.ts";
import { type AnswerViolation, type AnswerCheck as Check, findViolations as findAll } from "./answer-violations.ts";
import { createPatternMatcher } from "./safe-pattern.ts";

const PATTERN_TIME_LIMIT_MS = 50;
const defaultMatcher = createPatternMatcher({ timeLimitMs: PATTERN_TIME_LIMIT_MS });

export type AnswerCheck = Omit<Check, "matchesPattern"> & Partial<Pick<Check, "matchesPattern">>;

/** Every broken rule, element by element in the survey's order. */
export const findViolations = (check: AnswerCheck): AnswerViolation[] => findAll({ matchesPattern: defaultMatcher, ...check });

/** An issue per element whose answer breaks rules, at `response.data.<id>`, its messages joined with `; `. */
export function validateAnswers(check: AnswerCheck): ProblemIssue[] {
  const messages = new Map<string, string[]>();
  for (const { elementId, message } of findViolations(check))
    messages.set(elementId, [...(messages.get(elementId) ?? []), message]);
  return [...messages].map(([id, texts]) => ({ field: `response.data.${id}`, issue: texts.join("; ") }));
}
