/** What follows from storing a response, in the same transaction. */
import { notifyChange } from "../db/change-feed.ts";
import type { Transaction } from "../db/database.ts";
import type { LiveSurvey } from "../surveys/live-survey.ts";
import { COMPLETE_SURVEY, LOCK_SURVEY } from "./response-statements.ts";

/**
 * The parameters of a statement's events: the survey as events tell of it, the events' ids and their types, those that
 * some webhook asks for. What happened first comes first.
 */
export function eventValues(
  { name, type, status, createdAt, updatedAt }: LiveSurvey,
  first: "responseCreated" | "responseUpdated",
  finished: boolean,
  { listenedEvents, newId }: { listenedEvents: ReadonlySet<string>; newId: () => string },
): [string, string[], string[]] {
  const types = [first, ...(finished ? ["responseFinished"] : [])].filter((type) => listenedEvents.has(type));
  return [JSON.stringify({ title: name, type, status, createdAt, updatedAt }), types.map(newId), types];
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
