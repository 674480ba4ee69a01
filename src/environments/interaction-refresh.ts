/** After which events with a survey its SDK should ask anew which segments the contact is in. Source: client-api §4.4. */
import type { SurveyInteraction } from "../segments/service.ts";

export interface InteractionRefresh {
  onDisplay: boolean;
  onResponse: boolean;
  onFinished: boolean;
}

const FLAGS = { display: "onDisplay", response: "onResponse", finishedResponse: "onFinished" } as const;

/**
 * An entry for every survey, or none at all when no interaction concerns any of them. Surveys that are not among
 * `surveyIds` are not shown by any SDK, so that nothing can happen to them.
 */
export function interactionRefreshes(
  surveyIds: readonly string[],
  interactions: readonly SurveyInteraction[],
): ReadonlyMap<string, InteractionRefresh> {
  const refreshes = new Map(surveyIds.map((id) => [id, { onDisplay: false, onResponse: false, onFinished: false }]));
  let isAnySet = false;
  for (const { event, surveyIds: targets } of interactions)
    for (const target of targets ?? surveyIds) {
      const refresh = refreshes.get(target);
      if (!refresh) continue;
      refresh[FLAGS[event]] = true;
      isAnySet = true;
    }
  return isAnySet ? refreshes : new Map();
}
