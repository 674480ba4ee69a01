/** Identify in environments where webhooks are told of contacts. */
import type { Database, Transaction } from "../db/database.ts";
import type { EnvironmentConfiguration } from "../environments/service.ts";
import type { SegmentSubject } from "../segments/service.ts";
import type { ContactWatch } from "./contact-watch.ts";
import { identifyItems } from "./identify-items.ts";
import { FIND, FIND_WITH_FACTS, type IdentifiedRow, type IdentifyItem } from "./identify-statement.ts";

/** An item on its way; `watched` where webhooks are told of what becomes of the contact. */
export interface SubmittedItem extends IdentifyItem {
  watched: { environment: EnvironmentConfiguration; device: SegmentSubject["device"] } | null;
}

interface WatchedItem extends IdentifyItem {
  watched: NonNullable<SubmittedItem["watched"]>;
}

const isWatched = (item: SubmittedItem): item is WatchedItem => item.watched !== null;

/**
 * As {@link identifyItems}, which it is for items that nobody watches. Of the others those that change something are
 * written in a transaction with what webhooks are told of them, one for each environment.
 */
export function createWatchedIdentify({
  db,
  watch,
  sources,
}: {
  db: Pick<Database, "query" | "transaction">;
  watch: ContactWatch;
  sources: Parameters<typeof identifyItems>[2];
}): (items: readonly SubmittedItem[]) => Promise<(IdentifiedRow | null)[]> {
  /** Reads and writes nothing, so that what is to be written is told from what is not. */
  const reader: Pick<Transaction, "query"> = {
    query: async (statement, values) =>
      statement === FIND || statement === FIND_WITH_FACTS ? await db.query(statement, values) : [],
  };
  return async function identify(items) {
    const watched = items.filter(isWatched);
    if (watched.length === 0) return await identifyItems(db, items, sources);
    const plain = items.filter((item) => !isWatched(item));
    const [plainRows, watchedRows] = await Promise.all([
      plain.length > 0 ? identifyItems(db, plain, sources) : [],
      identifyWatched(watched),
    ]);
    return items.map((item) => (isWatched(item) ? watchedRows : plainRows).shift() ?? null);
  };

  async function identifyWatched(items: readonly WatchedItem[]): Promise<(IdentifiedRow | null)[]> {
    const rows = await identifyItems(reader, items, sources);
    const places = new Map<string, number[]>();
    for (const [at, { environmentId }] of items.entries())
      if (rows[at] === null) places.set(environmentId, [...(places.get(environmentId) ?? []), at]);
    for (const ofEnvironment of places.values()) {
      const written = await writeTogether(items.filter((_, at) => ofEnvironment.includes(at)));
      for (const [n, at] of ofEnvironment.entries()) rows[at] = written[n] ?? null;
    }
    return rows;
  }

  /** @param items of one environment */
  async function writeTogether(items: readonly WatchedItem[]): Promise<(IdentifiedRow | null)[]> {
    const [first] = items;
    if (!first) return [];
    const devices = new Map(items.map(({ userId, watched }) => [userId, watched.device]));
    const touched = { userIds: [...devices.keys()], emails: items.flatMap(({ email }) => email ?? []) };
    const deviceOf = (userId: string | null) => devices.get(userId ?? "") ?? null;
    const write = (tx: Transaction) => identifyItems(tx, items, sources);
    return await db.transaction((tx) => watch.around(tx, first.watched.environment, touched, () => write(tx), deviceOf));
  }
}
