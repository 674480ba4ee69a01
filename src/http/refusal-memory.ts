import type { RateStore } from "./rate-limit.ts";

/** Clients known to be over their limit are remembered, up to this many. */
const MAX_REFUSED = 100_000;

/** Spares a store elsewhere the questions whose answer is known, so that a flood costs it nothing. */
export function rememberRefusals(store: RateStore, { now = () => performance.now() } = {}): RateStore {
  /** Bucket and client → when the client may come again. */
  const refusedUntil = new Map<string, number>();
  return { count };

  function count(...[bucket, client]: Parameters<RateStore["count"]>): number | Promise<number> {
    const key = `${bucket.name} ${client}`;
    const until = refusedUntil.get(key);
    if (until !== undefined) {
      const wait = until - now();
      if (wait > 0) return wait;
      refusedUntil.delete(key);
    }
    const answer = store.count(bucket, client);
    return typeof answer === "number" ? remember(key, answer) : answer.then((wait) => remember(key, wait));
  }

  function remember(key: string, wait: number): number {
    if (wait <= 0) return wait;
    if (refusedUntil.size >= MAX_REFUSED) refusedUntil.clear();
    refusedUntil.set(key, now() + wait);
    return wait;
  }
}
