import type { RateBucket, RateLimiter } from "../../http/rate-limit.ts";
import type { Services } from "../../services.ts";

/** What every route of the client API is given. */
export interface ClientApiOptions {
  /** The contract is mounted once for each generation; few routes differ. */
  generation: "v1" | "v2";
  services: Services;
  limiter: RateLimiter;
}

/** Requests of one address. Source: client-api §17.1. */
export const CLIENT_BUCKET: RateBucket = { name: "client", limit: 100, windowMs: 60_000 };
