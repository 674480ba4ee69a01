import { createHash } from "node:crypto";
import { createBatcher } from "../shared/batcher.ts";
import type { SharedCounts, WindowCount } from "../shared/shared-counts.ts";
import type { CountedBucket, RateStore } from "./rate-limit.ts";
import { rememberRefusals } from "./refusal-memory.ts";

/** A request is served uncounted when the store takes longer: limits protect, they must not stop us. */
const COUNT_TIMEOUT_MS = 250;
/** For how long a store that failed is not asked. */
const PAUSE_MS = 1_000;
/** Requests counted by one question, and requests that wait for the next. */
const MAX_BATCH = 1_000;
const MAX_WAITING = 10_000;

export interface SharedRateStore extends RateStore {
  /** Requests that were served uncounted because the store was away. */
  uncounted(): number;
}

interface Counted {
  /** No two are the same, so that any number of one client's go together; in the order they came. */
  id: string;
  key: string;
  bucket: CountedBucket;
}

/** Counts where all servers count; what arrives together is counted by one question. */
export function createSharedRateStore({
  counts,
  now = () => performance.now(),
}: {
  counts: Pick<SharedCounts, "add">;
  now?: () => number;
}): SharedRateStore {
  let uncounted = 0;
  let pausedUntil = Number.NEGATIVE_INFINITY;
  let lastId = 0;
  const batcher = createBatcher<Counted, number>({
    run: countTogether,
    isOfOneItem: () => false,
    keyOf: ({ id }) => id,
    merge: () => null,
    maxRunning: 1,
    maxBatch: MAX_BATCH,
    maxWaiting: MAX_WAITING,
  });
  return { ...rememberRefusals({ count }, { now }), uncounted: () => uncounted };

  async function count(bucket: CountedBucket, client: string): Promise<number> {
    if (now() < pausedUntil) return serveUncounted();
    lastId++;
    const answer = batcher.submit({ id: String(lastId).padStart(15, "0"), key: keyOf(bucket, client), bucket });
    const wait = await within(answer, COUNT_TIMEOUT_MS);
    if (wait !== null) return wait;
    pausedUntil = now() + PAUSE_MS;
    return serveUncounted();
  }

  function serveUncounted(): number {
    uncounted++;
    return 0;
  }

  /** Requests of one client are numbered in the order they came: of those beyond the limit each is refused, no other. */
  async function countTogether(items: readonly Counted[]): Promise<number[]> {
    const groups = new Map<string, { bucket: CountedBucket; requests: number }>();
    const positions = items.map(({ key, bucket }) => {
      const group = groups.get(key) ?? { bucket, requests: 0 };
      groups.set(key, group);
      return ++group.requests;
    });
    const additions = [...groups].map(([key, { bucket, requests }]) => ({ key, requests, windowMs: bucket.windowMs }));
    const answers = await counts.add(additions);
    const windows = new Map<string, WindowCount>();
    for (const [at, { key }] of additions.entries()) {
      const window = answers[at];
      if (window) windows.set(key, window);
    }
    return items.map(({ key, bucket }, at) => {
      const window = windows.get(key);
      if (!window) return 0;
      const before = window.total - (groups.get(key)?.requests ?? 0);
      return before + (positions[at] ?? 0) > bucket.limit ? window.leftMs : 0;
    });
  }
}

/** Short whatever a client calls itself, and no address lies readable in the store. */
const keyOf = ({ name }: CountedBucket, client: string): string =>
  `${name} ${createHash("sha256").update(client).digest("base64url").slice(0, 22)}`;

/** Null when it fails or takes too long. */
function within<Value>(work: Promise<Value>, timeoutMs: number): Promise<Value | null> {
  return new Promise((resolve) => {
    // An answer that is there already when the time is up counts: after a busy moment timers come first.
    const timer = setTimeout(() => setImmediate(resolve, null), timeoutMs);
    const settle = (value: Value | null) => {
      clearTimeout(timer);
      resolve(value);
    };
    work.then(settle, () => settle(null));
  });
}
