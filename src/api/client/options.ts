import { countedAddress } from "../../http/counted-address.ts";
import type { RateBucket, RateLimiter } from "../../http/rate-limit.ts";
import type { Services } from "../../services.ts";

/** What every route of the client API is given. */
export interface ClientApiOptions {
  /** The contract is mounted once for each generation; few routes differ. */
  generation: "v1" | "v2";
  services: Services;
  limiter: RateLimiter;
}

/** Requests of one address in one environment. Source: client-api §17.1. */
const CLIENT_BUCKET: RateBucket = { name: "client", limit: "client", windowMs: 60_000 };

/** Requests of one environment, all addresses together. Source: client-api §17.1. */
const ENVIRONMENT_TOTAL: RateBucket = { name: "environment", limit: "environment", windowMs: 60_000 };

/**
 * Counts a request of one address in one environment, so that tenants behind one address do not share a budget, and
 * then the environment's total: what is refused to one client takes nothing from the others. Await it as
 * {@link RateLimiter}'s `count`.
 */
export function countRequest(
  limiter: RateLimiter,
  { params, ip }: { params: { environmentId: string }; ip: string },
  bucket = CLIENT_BUCKET,
): Promise<void> | undefined {
  const environmentId = params.environmentId.trim();
  const counted = limiter.count(bucket, `${environmentId} ${countedAddress(ip)}`);
  if (counted) return counted.then(countTotal);
  countTotal();
  return undefined;

  /** Not waited for where it is counted elsewhere: it is far from exact numbers, and a question less. */
  function countTotal(): void {
    void limiter.count(ENVIRONMENT_TOTAL, environmentId);
  }
}
