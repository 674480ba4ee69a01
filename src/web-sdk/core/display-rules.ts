/** Which surveys may be shown to the user. Source: sdk-contract §7. */
import type { Survey, User, Workspace } from "./state.ts";

const DAY_MS = 24 * 60 * 60_000;

/** The surveys that the user may see at the time `now`, whatever the trigger. */
export function eligibleSurveys({ surveys, settings }: Workspace, user: User, now: number): Survey[] {
  return surveys.filter(
    (survey) =>
      isWithinDisplayOption(survey, user) &&
      isRested(survey.recontactDays ?? settings.recontactDays ?? 0, user, now) &&
      isInSegment(survey, user),
  );
}

export const hasSegmentFilters = ({ segment }: Survey): boolean =>
  segment != null && (segment.hasFilters ?? (segment.filters ?? []).length > 0);

/** A random share of the times; `random` is in [0, 1). */
export const isDrawn = ({ displayPercentage }: Survey, random: () => number): boolean =>
  !displayPercentage || random() * 100 < displayPercentage;

function isWithinDisplayOption({ id, displayOption, displayLimit }: Survey, { displays, responses }: User): boolean {
  const shown = () => displays.filter(({ surveyId }) => surveyId === id).length;
  switch (displayOption) {
    case "respondMultiple":
      return true;
    case "displayOnce":
      return shown() === 0;
    case "displayMultiple":
      return !responses.includes(id);
    case "displaySome":
      return displayLimit == null || (!responses.includes(id) && shown() < displayLimit);
    default:
      return false;
  }
}

/** Whether enough full days have passed since any survey was shown. */
function isRested(days: number, { lastDisplayAt }: User, now: number): boolean {
  return lastDisplayAt === null || Math.floor((now - Date.parse(lastDisplayAt)) / DAY_MS) >= days;
}

function isInSegment(survey: Survey, { userId, segments }: User): boolean {
  if (userId === null) return !hasSegmentFilters(survey);
  return survey.segment != null && segments.includes(survey.segment.id);
}
