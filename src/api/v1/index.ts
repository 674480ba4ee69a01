/** The v1 management API. Source: management-api-v1. */
import type { FastifyPluginAsync } from "fastify";
import { authenticate } from "../../http/authentication.ts";
import { createErrorHandler } from "../../http/errors.ts";
import { acceptAnyBody } from "../../http/json-body.ts";
import { answerOtherMethods } from "../../http/methods.ts";
import type { RateBucket, RateLimiter } from "../../http/rate-limit.ts";
import { answerUnknownPath } from "../../http/unknown-path.ts";
import type { Services } from "../../services.ts";
import { presentV1Error } from "./envelope.ts";
import { managementApi } from "./management/index.ts";
import { meRoutes } from "./management/me.ts";
import { redirectOldPaths } from "./redirects.ts";

interface V1ApiOptions {
  services: Services;
  limiter: RateLimiter;
}

/** Of one API key, for all management routes together. Source: management-api-v1 §2.7. */
const BUDGET: RateBucket = { name: "v1", limit: "management", windowMs: 60_000 };

export const v1Api: FastifyPluginAsync<V1ApiOptions> = async (app, { services, limiter }) => {
  const otherMethods = answerOtherMethods(app);
  app.setErrorHandler(createErrorHandler(presentV1Error));
  app.addHook("onRequest", async (_request, reply) => {
    reply.header("cache-control", "private, no-store");
  });
  acceptAnyBody(app);
  answerUnknownPath(app);
  redirectOldPaths(app);
  await app.register(meApi, { prefix: "/management", services, limiter });
  await app.register(managementApi, { services, limiter, budget: BUDGET });
  otherMethods.close();
};

/** `/me` also tells a key without an environment what is wrong. Source: management-api-v1 §2.2. */
const meApi: FastifyPluginAsync<V1ApiOptions> = async (app, { services, limiter }) => {
  authenticate(app, services.apiKeys);
  app.addHook("onRequest", async (request) => limiter.count(BUDGET, request.principal.apiKeyId));
  await app.register(meRoutes, { services });
};
