/** Identify in environments where webhooks are told of contacts: the same statement, in a transaction with its events. */
import type { Database, Transaction } from "../db/database.ts";
import type { EnvironmentConfiguration } from "../environments/service.ts";
import type { SegmentSubject } from "../segments/service.ts";
import { type Batcher, type BatcherOptions, createBatcher } from "../shared/batcher.ts";
import type { ContactWatch } from "./contact-watch.ts";
import type { IdentifiedRow, IdentifyItem } from "./identify-statement.ts";

export interface WatchedItem {
  environment: EnvironmentConfiguration;
  device: SegmentSubject["device"];
  item: IdentifyItem;
}

/**
 * As the batcher of ordinary identifies; only that those of an environment that arrive together go in one transaction,
 * which locks their contacts and takes a few round trips more.
 * @param send sends items, in the order given, and answers a row for each
 */
export function createWatchedIdentify({
  db,
  watch,
  send,
  merge,
  ...limits
}: {
  db: Pick<Database, "transaction">;
  watch: ContactWatch;
  send: (tx: Pick<Transaction, "query">, items: readonly IdentifyItem[]) => Promise<IdentifiedRow[]>;
  merge: (first: IdentifyItem, second: IdentifyItem) => IdentifyItem | null;
} & Pick<BatcherOptions<WatchedItem, IdentifiedRow>, "isOfOneItem" | "maxRunning" | "maxBatch" | "maxWaiting">): Batcher<
  WatchedItem,
  IdentifiedRow
> {
  return createBatcher<WatchedItem, IdentifiedRow>({
    ...limits,
    run,
    keyOf: ({ item: { environmentId, userId } }) => `${environmentId} ${userId}`,
    merge: (first, second) => {
      const item = merge(first.item, second.item);
      return item && { ...second, item };
    },
  });

  /** Items come sorted by environment. */
  async function run(items: readonly WatchedItem[]): Promise<IdentifiedRow[]> {
    const rows: IdentifiedRow[] = [];
    for (let start = 0; start < items.length; ) {
      const first = items[start];
      const end = items.findIndex(({ environment }, at) => at > start && environment.id !== first?.environment.id);
      const ofOne = items.slice(start, end === -1 ? items.length : end);
      if (first) rows.push(...(await identifyTogether(first.environment, ofOne)));
      start += ofOne.length;
    }
    return rows;
  }

  function identifyTogether(environment: EnvironmentConfiguration, items: readonly WatchedItem[]): Promise<IdentifiedRow[]> {
    const devices = new Map(items.map(({ item, device }) => [item.userId, device]));
    return db.transaction((tx) =>
      watch.around(
        tx,
        environment,
        { userIds: [...devices.keys()] },
        () =>
          send(
            tx,
            items.map(({ item }) => item),
          ),
        (userId) => devices.get(userId ?? "") ?? null,
      ),
    );
  }
}
