import type { RateBucket, RateLimiter } from "../../http/rate-limit.ts";
import type { Services } from "../../services.ts";

/** What every route of the client API is given. */
export interface ClientApiOptions {
  /** The contract is mounted once for each generation; few routes differ. */
  generation: "v1" | "v2";
  services: Services;
  limiter: RateLimiter;
}

/** Requests of one {@link clientOf}. Source: client-api §17.1. */
export const CLIENT_BUCKET: RateBucket = { name: "client", limit: "client", windowMs: 60_000 };

/** Whom the buckets count: one address in one environment, so that tenants behind one address do not share a budget. */
export const clientOf = ({ params, ip }: { params: { environmentId: string }; ip: string }): string =>
  `${params.environmentId.trim()} ${ip}`;
