import { unavailable } from "./problem.ts";

export interface Batcher<Item, Result> {
  /**
   * Resolves to the item's own result. Throws `unavailable` when too many items wait. What arrives in one turn of the
   * event loop goes together; nothing waits longer than that for company.
   */
  submit(item: Item): Promise<Result>;
  /** Items that wait to be sent, and batches that are under way. */
  load(): { waiting: number; running: number };
}

export interface BatcherOptions<Item, Result> {
  /**
   * Handles items that arrived together, in the order of their keys; answers one result per item.
   */
  run(items: readonly Item[]): Promise<readonly Result[]>;
  /** Whether the error was about one of the items, not about all: only then they are sent again one by one. */
  isOfOneItem(error: unknown): boolean;
  /** Items of the same key never run at the same time, and take effect in the order they came. */
  keyOf(item: Item): string;
  /**
   * One item with the effect of both, one after the other, whose result is the result of either; null when there is none:
   * then the second waits for the first.
   */
  merge(first: Item, second: Item): Item | null;
  /** Batches under way at once; as many connections as this should pay for. */
  maxRunning: number;
  maxBatch: number;
  /** Items beyond this many waiting are refused. */
  maxWaiting: number;
}

interface Waiting<Item, Result> {
  item: Item;
  key: string;
  resolve: (result: Result) => void;
  reject: (error: unknown) => void;
}

/** What is sent as one item: one, or several that were merged. */
interface Group<Item, Result> {
  item: Item;
  key: string;
  members: Waiting<Item, Result>[];
}

/** So many batches under way keep a database busy that answers soon; what arrives meanwhile goes together, and costs less. */
const FEW = 2;
/** A batch that takes longer (ms) waits for something, a lock or a distant database; it makes room for another beside it. */
const SLOW_MS = 20;

/**
 * Sends what is waiting, together, whenever there is room: alone when nothing else arrives, in batches under load, the
 * larger the higher it is.
 */
export function createBatcher<Item, Result>(options: BatcherOptions<Item, Result>): Batcher<Item, Result> {
  const { run, isOfOneItem, keyOf, merge, maxRunning, maxBatch, maxWaiting } = options;
  let queue: Waiting<Item, Result>[] = [];
  const busy = new Set<string>();
  /** When each batch that is under way was sent. */
  const running = new Set<{ since: number }>();
  let isScheduled = false;
  /** Looks again when the batches under way have become slow. */
  let patience: NodeJS.Timeout | undefined;
  return { submit, load: () => ({ waiting: queue.length, running: running.size }) };

  function submit(item: Item): Promise<Result> {
    if (queue.length >= maxWaiting) return Promise.reject(unavailable("Too many requests are waiting", 1));
    return new Promise((resolve, reject) => {
      queue.push({ item, key: keyOf(item), resolve, reject });
      schedule();
    });
  }

  /** Sends at the end of this turn of the event loop, after all that arrived in it was read. */
  function schedule(): void {
    if (isScheduled || (patience && running.size >= FEW)) return;
    if (running.size >= room()) {
      wait();
      return;
    }
    isScheduled = true;
    setImmediate(() => {
      isScheduled = false;
      while (running.size < room() && queue.length > 0 && send());
      if (queue.length > 0 && running.size >= room()) wait();
    });
  }

  function room(): number {
    if (running.size < FEW) return Math.min(FEW, maxRunning);
    const since = performance.now() - SLOW_MS;
    const slow = [...running].filter((batch) => batch.since <= since).length;
    return Math.min(FEW + slow, maxRunning);
  }

  function wait(): void {
    if (running.size === maxRunning) return; // the next one that ends is all that helps
    patience ??= setTimeout(() => {
      patience = undefined;
      if (queue.length > 0) schedule();
    }, SLOW_MS).unref();
  }

  /** Returns whether there was anything that could go. */
  function send(): boolean {
    const batch = take();
    if (batch.length === 0) return false;
    const sent = { since: performance.now() };
    running.add(sent);
    void settle(batch).finally(() => {
      running.delete(sent);
      clearTimeout(patience);
      patience = undefined;
      for (const { key } of batch) busy.delete(key);
      if (queue.length > 0) schedule();
    });
    return true;
  }

  /** The items that may go now, sorted by key so that two batches lock what they share in the same order. */
  function take(): Group<Item, Result>[] {
    const groups = new Map<string, Group<Item, Result>>();
    const closed = new Set<string>(); // keys of which an item has to wait, and with it all that follow
    const later: Waiting<Item, Result>[] = [];
    for (const waiting of queue) {
      const { key } = waiting;
      if (!busy.has(key) && !closed.has(key) && join(groups, waiting)) continue;
      closed.add(key);
      later.push(waiting);
    }
    queue = later;
    for (const key of groups.keys()) busy.add(key);
    return [...groups.values()].sort((a, b) => (a.key < b.key ? -1 : 1));
  }

  /** Puts the item into the batch, if there is room for it or it can be merged with what is there. */
  function join(groups: Map<string, Group<Item, Result>>, waiting: Waiting<Item, Result>): boolean {
    const { key, item } = waiting;
    const group = groups.get(key);
    if (!group) {
      if (groups.size === maxBatch) return false;
      groups.set(key, { item, key, members: [waiting] });
      return true;
    }
    const merged = merge(group.item, item);
    if (merged === null) return false;
    group.item = merged;
    group.members.push(waiting);
    return true;
  }

  async function settle(batch: readonly Group<Item, Result>[]): Promise<void> {
    try {
      deliver(batch, await run(batch.map(({ item }) => item)));
    } catch (error) {
      const parts = isOfOneItem(error) ? split(batch) : [];
      if (parts.length > 1) for (const part of parts) await settle([part]);
      else for (const { reject } of batch.flatMap(({ members }) => members)) reject(error);
    }
  }

  /** The smallest parts that can fail alone: single groups, and of a single group its members. */
  function split(batch: readonly Group<Item, Result>[]): readonly Group<Item, Result>[] {
    const [first] = batch;
    if (batch.length !== 1 || !first) return batch;
    return first.members.map((member) => ({ item: member.item, key: member.key, members: [member] }));
  }

  function deliver(batch: readonly Group<Item, Result>[], results: readonly Result[]): void {
    if (results.length !== batch.length) throw new Error(`a batch of ${batch.length} items got ${results.length} results`);
    for (const [at, result] of results.entries()) for (const { resolve } of batch[at]?.members ?? []) resolve(result);
  }
}
