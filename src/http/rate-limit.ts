import { Problem } from "../shared/problem.ts";

/** Counts requests in fixed windows aligned to the clock. Source: client-api §17.1, management-api-v2 §1.6. */
export interface RateLimiter {
  /**
   * Counts one request of `client` in `bucket`. Refuses one too many with `rate_limited`: thrown at once where this
   * process counts, else by the promise, which is to be awaited before anything is done for the request. Who does not
   * await it gets the refusal thrown from a later call on, as soon as the answer has come.
   */
  count(bucket: RateBucket, client: string): Promise<void> | undefined;
}

/** How many requests of one client a bucket takes per window. */
export interface RateBucket {
  name: string;
  /** A number, or the name of a configured one. */
  limit: number | keyof RateLimits;
  windowMs: number;
}

/** The limits that can be configured. */
export interface RateLimits {
  /** Of one address in one environment, on the client API. */
  client: number;
  /** Of one environment, on the client API. */
  environment: number;
  /** Of one API key, on a management API. */
  management: number;
}

/** A bucket whose limit is known. */
export interface CountedBucket {
  name: string;
  limit: number;
  windowMs: number;
}

/** Where the counts are kept: in this process, or in one that several ask. */
export interface RateStore {
  /** Counts one request; tells how long (ms) the client has to wait, 0 when it need not. */
  count(bucket: CountedBucket, client: string): number | Promise<number>;
}

export function createRateLimiter({
  enabled,
  limits,
  store = createRateStore(),
}: {
  enabled: boolean;
  limits: RateLimits;
  store?: RateStore | undefined;
}): RateLimiter {
  return { count: enabled ? count : () => undefined };

  function count({ name, limit, windowMs }: RateBucket, client: string): Promise<void> | undefined {
    const wait = store.count({ name, limit: typeof limit === "number" ? limit : limits[limit], windowMs }, client);
    if (typeof wait === "number") {
      refuseAfter(wait);
      return undefined;
    }
    const refusal = wait.then(refuseAfter);
    refusal.catch(() => undefined); // a caller that does not await it must not end the process
    return refusal;
  }
}

function refuseAfter(waitMs: number): void {
  if (waitMs > 0)
    throw new Problem("rate_limited", "Too many requests", { retryAfterSeconds: Math.max(1, Math.ceil(waitMs / 1000)) });
}

/** Clients remembered per window; beyond, the oldest are forgotten, so that made-up clients cannot fill the memory. */
const MAX_CLIENTS = 100_000;

/** Keeps the counts in this process. */
export function createRateStore({ now = Date.now, maxClients = MAX_CLIENTS } = {}): {
  count: (...request: Parameters<RateStore["count"]>) => number;
} {
  const windows = new Map<string, { start: number; counts: Map<string, number> }>();
  return { count };

  function count({ name, limit, windowMs }: CountedBucket, client: string): number {
    const time = now();
    const start = time - (time % windowMs);
    let window = windows.get(name);
    if (window?.start !== start) {
      window = { start, counts: new Map() }; // a new window forgets every client of the one before
      windows.set(name, window);
    }
    const { counts } = window;
    const seen = (counts.get(client) ?? 0) + 1;
    if (seen === 1 && counts.size >= maxClients) for (const oldest of counts.keys()) if (counts.delete(oldest)) break;
    counts.set(client, seen);
    return seen > limit ? start + windowMs - time : 0;
  }
}
