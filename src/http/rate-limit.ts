import { Problem } from "../shared/problem.ts";

/**
 * Counts requests in fixed windows aligned to the clock, in this process. Source: client-api §17.1,
 * management-api-v2 §1.6.
 */
export interface RateLimiter {
  /** Counts one request of `client` in `bucket`; throws `rate_limited` when it is one too many. */
  count(bucket: RateBucket, client: string): void;
}

/** How many requests of one client a bucket takes per window. */
export interface RateBucket {
  name: string;
  limit: number;
  windowMs: number;
}

export function createRateLimiter({ enabled, now = Date.now }: { enabled: boolean; now?: () => number }): RateLimiter {
  const windows = new Map<string, { start: number; counts: Map<string, number> }>();
  return { count: enabled ? count : () => undefined };

  function count(bucket: RateBucket, client: string): void {
    const time = now();
    const start = time - (time % bucket.windowMs);
    let window = windows.get(bucket.name);
    if (window?.start !== start) {
      window = { start, counts: new Map() }; // a new window forgets every client of the one before: memory is bounded by it
      windows.set(bucket.name, window);
    }
    const seen = (window.counts.get(client) ?? 0) + 1;
    window.counts.set(client, seen);
    if (seen > bucket.limit)
      throw new Problem("rate_limited", "Too many requests", {
        retryAfterSeconds: Math.max(1, Math.ceil((start + bucket.windowMs - time) / 1000)),
      });
  }
}
