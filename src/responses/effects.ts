/** What follows from storing a response, in the same transaction. */
import { notifyChange } from "../db/change-feed.ts";
import type { Transaction } from "../db/database.ts";
import type { LiveSurvey } from "../surveys/live-survey.ts";
import { COMPLETE_SURVEY, LOCK_SURVEY, type ResponseEvents } from "./response-statements.ts";

/** The events of a response that some webhook asks for; what happened first comes first. */
export function eventsOf(
  { name, type, status, createdAt, updatedAt }: LiveSurvey,
  first: "responseCreated" | "responseUpdated",
  finished: boolean,
  { listenedEvents, newId }: { listenedEvents: ReadonlySet<string>; newId: () => string },
): ResponseEvents {
  const types = [first, ...(finished ? ["responseFinished"] : [])].filter((event) => listenedEvents.has(event));
  return { survey: { title: name, type, status, createdAt, updatedAt }, eventIds: types.map(newId), eventTypes: types };
}

/** The same as the parameters of a statement that changes one response. */
export function eventValues(...given: Parameters<typeof eventsOf>): [string, string[], string[]] {
  const { survey, eventIds, eventTypes } = eventsOf(...given);
  return [JSON.stringify(survey), eventIds, eventTypes];
}

/** Ends a survey that has all the responses it takes; tells whether it did. */
export async function completeSurvey(tx: Transaction, { environmentId, id, autoComplete }: LiveSurvey): Promise<boolean> {
  if (autoComplete === null) return false;
  await tx.query(LOCK_SURVEY, [environmentId, id]);
  const completed = await tx.query(COMPLETE_SURVEY, [environmentId, id, autoComplete]);
  if (completed.length === 0) return false;
  await notifyChange(tx, "environment", environmentId);
  return true;
}
