/** Rate limits that are counted in another process. */
import { createAnswers } from "./cluster-answers.ts";
import type { CountRequest } from "./cluster-messages.ts";
import type { CountedBucket, RateStore } from "./http/rate-limit.ts";

/** A request is served uncounted when the primary does not answer in this time: limits protect, they must not stop us. */
const COUNT_TIMEOUT_MS = 50;

/** Clients known to be over their limit are remembered here, up to this many. */
const MAX_REFUSED = 100_000;

export interface RemoteStore {
  store: RateStore;
  /** Takes the answer to a batch: how long (ms) each of its clients has to wait. */
  settle(batch: number, waits: number[]): void;
}

/** Has another process count: `ask` sends it all that is to be counted in one turn of the event loop, in order. */
export function createRemoteStore(ask: (batch: number, requests: CountRequest[]) => void): RemoteStore {
  const counts = createAnswers<number[]>();
  let batch: { requests: CountRequest[]; waits: Promise<number[] | null> } | undefined;
  /** Bucket and client → when the client may come again. Saves asking, so that a flood costs the primary nothing. */
  const refusedUntil = new Map<string, number>();
  return { store: { count }, settle: counts.settle };

  function count(bucket: CountedBucket, client: string): number | Promise<number> {
    const key = `${bucket.name} ${client}`;
    const until = refusedUntil.get(key);
    if (until !== undefined) {
      const wait = until - Date.now();
      if (wait > 0) return wait;
      refusedUntil.delete(key);
    }
    return enlist({ ...bucket, client }).then((wait) => {
      if (wait > 0) {
        if (refusedUntil.size >= MAX_REFUSED) refusedUntil.clear();
        refusedUntil.set(key, Date.now() + wait);
      }
      return wait;
    });
  }

  async function enlist(request: CountRequest): Promise<number> {
    batch ??= startBatch();
    const at = batch.requests.push(request) - 1;
    return (await batch.waits)?.[at] ?? 0;
  }

  function startBatch(): { requests: CountRequest[]; waits: Promise<number[] | null> } {
    const { id, answer } = counts.expect(COUNT_TIMEOUT_MS);
    const requests: CountRequest[] = [];
    setImmediate(() => {
      batch = undefined;
      ask(id, requests);
    });
    return { requests, waits: answer };
  }
}
