import { unavailable } from "./problem.ts";

export interface Batcher<Item, Result> {
  /**
   * Resolves to the item's own result. Throws `unavailable` when too many items wait. An item that is alone is sent at
   * once; nothing ever waits for company.
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
  /** Items of the same key are never in one batch, nor in two at once: they run one after another, in order. */
  keyOf(item: Item): string;
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

/**
 * Sends what is waiting, together, whenever there is room: alone and at once when nothing else runs, in batches under
 * load, the larger the higher it is.
 */
export function createBatcher<Item, Result>(options: BatcherOptions<Item, Result>): Batcher<Item, Result> {
  const { run, isOfOneItem, keyOf, maxRunning, maxBatch, maxWaiting } = options;
  let queue: Waiting<Item, Result>[] = [];
  const busy = new Set<string>();
  let running = 0;
  return { submit, load: () => ({ waiting: queue.length, running }) };

  function submit(item: Item): Promise<Result> {
    if (queue.length >= maxWaiting) return Promise.reject(unavailable("Too many requests are waiting", 1));
    return new Promise((resolve, reject) => {
      queue.push({ item, key: keyOf(item), resolve, reject });
      if (running < maxRunning) send();
    });
  }

  function send(): void {
    const batch = take();
    if (batch.length === 0) return;
    running++;
    void settle(batch).finally(() => {
      running--;
      for (const { key } of batch) busy.delete(key);
      if (queue.length > 0) send();
    });
  }

  /** The items that may go now, sorted by key so that two batches lock what they share in the same order. */
  function take(): Waiting<Item, Result>[] {
    const batch: Waiting<Item, Result>[] = [];
    const later: Waiting<Item, Result>[] = [];
    for (const [at, waiting] of queue.entries()) {
      if (batch.length === maxBatch) {
        later.push(...queue.slice(at));
        break;
      }
      if (busy.has(waiting.key)) later.push(waiting);
      else {
        busy.add(waiting.key);
        batch.push(waiting);
      }
    }
    queue = later;
    return batch.sort((a, b) => (a.key < b.key ? -1 : 1));
  }

  async function settle(batch: readonly Waiting<Item, Result>[]): Promise<void> {
    try {
      deliver(batch, await run(batch.map(({ item }) => item)));
    } catch (error) {
      if (batch.length > 1 && isOfOneItem(error)) await Promise.all(batch.map((waiting) => settle([waiting])));
      else for (const { reject } of batch) reject(error);
    }
  }

  function deliver(batch: readonly Waiting<Item, Result>[], results: readonly Result[]): void {
    if (results.length !== batch.length) throw new Error(`a batch of ${batch.length} items got ${results.length} results`);
    for (const [at, result] of results.entries()) batch[at]?.resolve(result);
  }
}
