import type { User } from "./state.ts";

/** The user with a survey shown to them at `at` (ISO). */
export const withDisplay = (user: User, surveyId: string, at: string): User => ({
  ...user,
  displays: [...user.displays, { surveyId, createdAt: at }],
  lastDisplayAt: at,
});

export const withResponse = (user: User, surveyId: string): User => ({ ...user, responses: [...user.responses, surveyId] });

/**
 * The server's `answer` with what the same user did here since it was asked for (`before` → `current`) and the server
 * may not have counted; else a survey that was answered meanwhile would come back.
 */
export function withHistorySince(answer: User, before: User, current: User): User {
  if (current.userId !== answer.userId) return answer;
  const displays = newOnes(
    answer.displays.map(displayedSurvey),
    before.displays.map(displayedSurvey),
    current.displays.map(displayedSurvey),
  ).flatMap((surveyId) => current.displays.filter((display) => display.surveyId === surveyId).slice(-1));
  return {
    ...answer,
    displays: [...answer.displays, ...displays],
    responses: [...answer.responses, ...newOnes(answer.responses, before.responses, current.responses)],
    lastDisplayAt: displays.length > 0 ? current.lastDisplayAt : answer.lastDisplayAt,
  };
}

/** The surveys that occur in `current` more often than in `before`, but in `answer` no more often than in `before`. */
function newOnes(answer: string[], before: string[], current: string[]): string[] {
  const isNew = (id: string) => count(current, id) > count(before, id) && count(answer, id) <= count(before, id);
  return [...new Set(current)].filter(isNew);
}

const displayedSurvey = ({ surveyId }: User["displays"][number]) => surveyId;
const count = (ids: string[], id: string) => ids.filter((other) => other === id).length;
