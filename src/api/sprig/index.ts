/** The Sprig contract, at the root (`/v2`, `/v1`) and below `/sprig`. Source: sprig-api. */
import type { FastifyInstance, FastifyPluginAsync, FastifyReply, FastifyRequest } from "fastify";
import type { Config } from "../../config/env.ts";
import { createErrorHandler } from "../../http/errors.ts";
import type { RateBucket, RateLimiter } from "../../http/rate-limit.ts";
import { authenticateByScheme } from "../../http/scheme-authentication.ts";
import type { Services } from "../../services.ts";
import { bulkRoute } from "./bulk.ts";
import { presentSprigError } from "./envelope.ts";
import { exportRoutes } from "./exports.ts";
import { legacyUserRoutes } from "./legacy-users.ts";
import { acceptJson, countRequests, type SprigOptions } from "./options.ts";
import { purgeRoutes } from "./purge.ts";
import { userRoutes } from "./users.ts";

/** Real clients use either on any route. Source: sprig-api §1.2. */
const SCHEMES = ["api-key", "bearer"];

/** Source: sprig-api §8. */
const BUCKET: RateBucket = { name: "sprig", limit: 1_000, windowMs: 1_000 };

/** Source: sprig-api §7. */
const LEGACY_BUCKET: RateBucket = { name: "sprig legacy", limit: 1_000, windowMs: 5 * 60_000 };

export interface SprigApiOptions {
  services: Services;
  config: Config;
  limiter: RateLimiter;
  hidden?: boolean;
}

const UNLIMITED: RateLimiter = { count: () => undefined };

export const sprigApi: FastifyPluginAsync<SprigApiOptions> = async (app, { services, config, limiter, hidden = false }) => {
  const options = { services, config, hidden, limiter: config.SPRIG_RATE_LIMIT ? limiter : UNLIMITED };
  app.setErrorHandler(createErrorHandler(presentSprigError));
  // At the root, paths that nobody serves are not this contract's to answer but below its own /v2.
  if (app.prefix !== "") app.setNotFoundHandler(answerUnknownPath);
  await app.register((scope) => registerCurrent(scope, options), { prefix: "/v2" });
  await app.register((scope) => registerLegacy(scope, options), { prefix: "/v1" });
};

async function registerCurrent(app: FastifyInstance, options: SprigOptions): Promise<void> {
  app.setNotFoundHandler(answerUnknownPath);
  // A scope of its own: the hooks of a scope guard its unknown paths too, and those need no key.
  await app.register(async (keyed) => {
    demandKey(keyed, options, BUCKET);
    acceptJson(keyed);
    await keyed.register(userRoutes, options);
    await keyed.register(purgeRoutes, options);
  });
}

async function registerLegacy(app: FastifyInstance, options: SprigOptions): Promise<void> {
  demandKey(app, options, LEGACY_BUCKET);
  acceptJson(app);
  await app.register(legacyUserRoutes, options);
  await app.register(bulkRoute, options);
  await app.register(exportRoutes, options);
}

function demandKey(app: FastifyInstance, { services, limiter }: SprigOptions, bucket: RateBucket): void {
  authenticateByScheme(app, services.apiKeys, SCHEMES);
  countRequests(app, limiter, bucket);
}

function answerUnknownPath(_request: FastifyRequest, reply: FastifyReply): void {
  void reply.status(404).send("Not Found");
}

/**
 * For the contract that shares `/v1` with this one: answers a path that neither serves when the caller's key comes under
 * the scheme that only Sprig's clients use; returns whether it did.
 */
export function answerUnknownSprigPath(request: FastifyRequest, reply: FastifyReply): boolean {
  if (!isSprigCaller(request)) return false;
  answerUnknownPath(request, reply);
  return true;
}

/** Whether the caller's key comes under the scheme that only Sprig's clients use. */
export const isSprigCaller = ({ headers }: FastifyRequest): boolean => /^\s*api-key\s/i.test(headers.authorization ?? "");
