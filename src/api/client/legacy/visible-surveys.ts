/**
 * Which surveys a contact is to see now. Current SDKs decide this themselves; React Native before 2.0 has the server
 * do it. Source: sdk-contract §7, client-api §16.5.
 */
import type { IdentifiedContact } from "../../../contacts/service.ts";
import type { EnvironmentState, LiveSurvey } from "../../../environments/service.ts";

const DAY_MS = 86_400_000;

export type SurveyHistory = Pick<IdentifiedContact, "segmentIds" | "displays" | "responses">;

/** What decides beside the contact. */
interface VisibilityRules {
  surveys: readonly LiveSurvey[];
  project: Pick<EnvironmentState["project"], "recontactDays">;
}

/** In the order of the state. */
export function visibleSurveys({ surveys, project }: VisibilityRules, contact: SurveyHistory, now: number): LiveSurvey[] {
  return surveys.filter(
    (survey) =>
      isDue(survey, contact) &&
      hasRested(survey.recontactDays ?? project.recontactDays, contact, now) &&
      (survey.segment === null || contact.segmentIds.includes(survey.segment.id)),
  );
}

function isDue({ id, displayOption, displayLimit }: LiveSurvey, { displays, responses }: SurveyHistory): boolean {
  const seen = displays.filter(({ surveyId }) => surveyId === id).length;
  const isAnswered = responses.some(({ surveyId }) => surveyId === id);
  switch (displayOption) {
    case "respondMultiple":
      return true;
    case "displayOnce":
      return seen === 0;
    case "displayMultiple":
      return !isAnswered;
    case "displaySome":
      return !isAnswered && (displayLimit === null || seen < displayLimit);
  }
}

/** Whether the last survey shown, whichever it was, is so many full days ago. */
function hasRested(recontactDays: number, { displays }: SurveyHistory, now: number): boolean {
  const last = displays[0];
  return last === undefined || Math.floor((now - last.createdAt) / DAY_MS) >= recontactDays;
}
