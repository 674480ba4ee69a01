/** The v2 management API. Source: management-api-v2. */
import type { FastifyPluginAsync } from "fastify";
import { authenticate } from "../../http/authentication.ts";
import { createErrorHandler } from "../../http/errors.ts";
import type { ReadinessProbe } from "../../http/health.ts";
import { acceptAnyBody } from "../../http/json-body.ts";
import { answerOtherMethods } from "../../http/methods.ts";
import type { RateBucket, RateLimiter } from "../../http/rate-limit.ts";
import { answerUnknownPath } from "../../http/unknown-path.ts";
import { guardWrites } from "../../http/writes.ts";
import type { Services } from "../../services.ts";
import { checkInputs } from "./checks.ts";
import { presentV2Error, V2Error } from "./envelope.ts";
import { healthRoutes } from "./health.ts";
import { managementApi } from "./management/index.ts";
import { meRoutes } from "./me.ts";
import { organizationApi } from "./organizations/index.ts";

export interface V2ApiOptions {
  services: Services;
  limiter: RateLimiter;
  readiness: ReadinessProbe;
}

/** Of one API key, for all routes of this contract together. Source: management-api-v2 §1.6. */
const BUDGET: RateBucket = { name: "v2", limit: "management", windowMs: 60_000 };

/** Only on 200: other successes and errors carry none. Source: management-api-v2 §1. */
const CORS_HEADERS = {
  "access-control-allow-origin": "*",
  "access-control-allow-methods": "GET, POST, PUT, DELETE, OPTIONS",
  "access-control-allow-headers": "Content-Type, Authorization",
};

export const v2Api: FastifyPluginAsync<V2ApiOptions> = async (app, { services, limiter, readiness }) => {
  const otherMethods = answerOtherMethods(app);
  app.setErrorHandler(createErrorHandler(presentV2Error));
  app.addHook("onSend", async (_request, reply) => {
    reply.header("cache-control", "private, no-store");
    if (reply.statusCode === 200) reply.headers(CORS_HEADERS);
  });
  acceptAnyBody(app);
  checkInputs(app);
  answerUnknownPath(app);
  await app.register(healthRoutes, { readiness });
  await app.register(keyedApi, { services, limiter });
  otherMethods.close();
};

/** The routes that need an API key. */
const keyedApi: FastifyPluginAsync<Pick<V2ApiOptions, "services" | "limiter">> = async (app, { services, limiter }) => {
  authenticate(app, services.apiKeys);
  // After the checks of the inputs, so that a request refused by them is not counted.
  app.addHook("preHandler", async (request) => limiter.count(BUDGET, request.principal.apiKeyId));
  guardWrites(app, { services, error: V2Error });
  await app.register(meRoutes, { services });
  await app.register(managementApi, { prefix: "/management", services });
  await app.register(organizationApi, { prefix: "/organizations/:organizationId", services });
};
