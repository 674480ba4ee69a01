/** Displays that arrive together are stored together, by one statement. */
import type { Database } from "../db/database.ts";
import { isUnavailable } from "../db/errors.ts";
import { type Batcher, createBatcher } from "../shared/batcher.ts";
import { CREATE_DISPLAYS, type DisplayRow } from "./display-statements.ts";

/** A display to store. */
export interface NewDisplay {
  environmentId: string;
  id: string;
  surveyId: string;
  contactId: string | null;
  userId: string | null;
  requestKey: string | null;
}

/** Displays sent as one statement. */
const MAX_BATCH = 100;
const MAX_WAITING = 5_000;

/** Answers null for a display that has to be stored on its own: its contact has to be made, or it met another one. */
export function createDisplayBatcher(db: Pick<Database, "query" | "namedConnections">): Batcher<NewDisplay, DisplayRow | null> {
  return createBatcher<NewDisplay, DisplayRow | null>({
    run: storeTogether,
    isOfOneItem: (error) => !isUnavailable(error),
    keyOf: ({ environmentId, id, surveyId, contactId, userId, requestKey }) =>
      `${environmentId} ${requestKey ?? (contactId === null && userId === null ? id : `${surveyId} ${contactId} ${userId}`)}`,
    merge: () => null,
    maxRunning: db.namedConnections,
    maxBatch: MAX_BATCH,
    maxWaiting: MAX_WAITING,
  });

  async function storeTogether(items: readonly NewDisplay[]): Promise<(DisplayRow | null)[]> {
    const rows: (DisplayRow | null)[] = items.map(() => null);
    for (const { position, ...row } of await db.query<DisplayRow & { position: number }>(CREATE_DISPLAYS, [
      items.map(({ environmentId }) => environmentId),
      items.map(({ id }) => id),
      items.map(({ surveyId }) => surveyId),
      items.map(({ contactId }) => contactId),
      items.map(({ userId }) => userId),
      items.map(({ requestKey }) => requestKey),
    ]))
      rows[position - 1] = row;
    return rows;
  }
}
