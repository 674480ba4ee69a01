/** The v2 management API. Source: management-api-v2. */
import type { FastifyPluginAsync } from "fastify";
import { createErrorHandler } from "../../http/errors.ts";
import type { ReadinessProbe } from "../../http/health.ts";
import { acceptAnyBody } from "../../http/json-body.ts";
import { answerOtherMethods } from "../../http/methods.ts";
import type { RateLimiter } from "../../http/rate-limit.ts";
import { answerUnknownPath } from "../../http/unknown-path.ts";
import type { Services } from "../../services.ts";
import { presentV2Error } from "./envelope.ts";

export interface V2ApiOptions {
  services: Services;
  limiter: RateLimiter;
  readiness: ReadinessProbe;
}

export const v2Api: FastifyPluginAsync<V2ApiOptions> = async (app) => {
  const otherMethods = answerOtherMethods(app);
  app.setErrorHandler(createErrorHandler(presentV2Error));
  acceptAnyBody(app);
  answerUnknownPath(app);
  otherMethods.close();
};
