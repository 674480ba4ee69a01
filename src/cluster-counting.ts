/** Rate limits that are counted in another process. */
import { createAnswers } from "./cluster-answers.ts";
import type { CountRequest } from "./cluster-messages.ts";
import type { CountedBucket, RateStore } from "./http/rate-limit.ts";
import { rememberRefusals } from "./http/refusal-memory.ts";

/** A request is served uncounted when the primary does not answer in this time: limits protect, they must not stop us. */
const COUNT_TIMEOUT_MS = 50;

export interface RemoteStore {
  store: RateStore;
  /** Takes the answer to a batch: how long (ms) each of its clients has to wait. */
  settle(batch: number, waits: number[]): void;
}

/** Has another process count: `ask` sends it all that is to be counted in one turn of the event loop, in order. */
export function createRemoteStore(ask: (batch: number, requests: CountRequest[]) => void): RemoteStore {
  const counts = createAnswers<number[]>();
  let batch: { requests: CountRequest[]; waits: Promise<number[] | null> } | undefined;
  return { store: rememberRefusals({ count }), settle: counts.settle };

  function count(bucket: CountedBucket, client: string): Promise<number> {
    return enlist({ ...bucket, client });
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
