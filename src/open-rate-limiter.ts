/** The limiter as it is configured: it counts in this process, in its primary, or where all replicas count. */
import type { Logger } from "pino";
import type { CompleteConfig } from "./config/env.ts";
import { openRateCounts } from "./db/rate-counts.ts";
import { createRateLimiter, type RateLimiter, type RateStore } from "./http/rate-limit.ts";
import { createSharedRateStore } from "./http/shared-rate-store.ts";
import type { SharedCounts } from "./shared/shared-counts.ts";

export interface OpenedRateLimiter {
  limiter: RateLimiter;
  /** Requests that were served uncounted because the shared store was away. */
  uncounted(): number;
  close(): Promise<void>;
}

/** @param workersStore the count of the primary process, when there is one */
export async function openRateLimiter({
  config,
  url,
  log,
  workersStore,
}: {
  config: CompleteConfig;
  url: string;
  log: Logger;
  workersStore: RateStore | undefined;
}): Promise<OpenedRateLimiter> {
  const counts = config.RATE_LIMIT ? await openSharedCounts({ config, url, log }) : null;
  const shared = counts && createSharedRateStore({ counts });
  const limiter = createRateLimiter({
    enabled: config.RATE_LIMIT,
    limits: {
      client: config.RATE_LIMIT_CLIENT,
      environment: config.RATE_LIMIT_ENVIRONMENT,
      management: config.RATE_LIMIT_MANAGEMENT,
    },
    store: shared ?? workersStore,
  });
  return { limiter, uncounted: () => shared?.uncounted() ?? 0, close: async () => counts?.close() };
}

/** Null when one server counts alone. */
async function openSharedCounts({
  config: { RATE_LIMIT_STORE, REDIS_URL },
  url,
  log,
}: {
  config: CompleteConfig;
  url: string;
  log: Logger;
}): Promise<SharedCounts | null> {
  const store = RATE_LIMIT_STORE ?? (REDIS_URL === undefined ? "memory" : "redis");
  if (store === "database") return openRateCounts({ url, log });
  if (store === "memory" || REDIS_URL === undefined) return null;
  const { openRedisCounts } = await import("./http/redis-counts.ts");
  return await openRedisCounts({ url: REDIS_URL, log });
}
