/** Identify's writes in environments where webhooks are told of contacts. Those that change nothing never come here. */
import type { Database, Transaction } from "../db/database.ts";
import type { EnvironmentConfiguration } from "../environments/service.ts";
import type { SegmentSubject } from "../segments/service.ts";
import type { ContactWatch } from "./contact-watch.ts";
import type { IdentifiedRow, IdentifyItem } from "./identify-statement.ts";

/** An item of a watched environment. */
export interface WatchedItem extends IdentifyItem {
  watched: { environment: EnvironmentConfiguration; device: SegmentSubject["device"] };
}

/**
 * Writes items as identify's statement does, those of an environment in one transaction with what webhooks are told of
 * them; answers a row for each.
 * @param write items of which all have event queries or none
 */
export function createWatchedWrite({
  db,
  watch,
  write,
}: {
  db: Pick<Database, "transaction">;
  watch: ContactWatch;
  write: (items: readonly IdentifyItem[], tx: Pick<Transaction, "query">) => Promise<IdentifiedRow[]>;
}): (items: readonly WatchedItem[]) => Promise<IdentifiedRow[]> {
  return async function writeWatched(items) {
    const rows = new Map<WatchedItem, IdentifiedRow>();
    for (const group of groupsOf(items)) {
      const written = await writeGroup(group);
      for (const [at, item] of group.entries()) {
        const row = written[at];
        if (row) rows.set(item, row);
      }
    }
    return items.flatMap((item) => rows.get(item) ?? []);
  };

  async function writeGroup(group: readonly WatchedItem[]): Promise<IdentifiedRow[]> {
    const [first] = group;
    if (!first) return [];
    const devices = new Map(group.map(({ userId, watched }) => [userId, watched.device]));
    const touched = { userIds: [...devices.keys()] };
    const deviceOf = (userId: string | null) => devices.get(userId ?? "") ?? null;
    return await db.transaction((tx) => watch.around(tx, first.watched.environment, touched, () => write(group, tx), deviceOf));
  }
}

/** Of one environment each, and with event queries or without. */
function groupsOf(items: readonly WatchedItem[]): WatchedItem[][] {
  const groups = new Map<string, WatchedItem[]>();
  for (const item of items) {
    const key = `${item.environmentId} ${item.eventQueries === null}`;
    groups.set(key, [...(groups.get(key) ?? []), item]);
  }
  return [...groups.values()];
}
