/** The v1 management API. Source: management-api-v1. */
import type { FastifyPluginAsync } from "fastify";
import { createErrorHandler } from "../../http/errors.ts";
import { acceptAnyBody } from "../../http/json-body.ts";
import { answerOtherMethods } from "../../http/methods.ts";
import type { RateLimiter } from "../../http/rate-limit.ts";
import { answerUnknownPath } from "../../http/unknown-path.ts";
import type { Services } from "../../services.ts";
import { presentV1Error } from "./envelope.ts";

export const v1Api: FastifyPluginAsync<{ services: Services; limiter: RateLimiter }> = async (app) => {
  const otherMethods = answerOtherMethods(app);
  app.setErrorHandler(createErrorHandler(presentV1Error));
  acceptAnyBody(app);
  answerUnknownPath(app);
  otherMethods.close();
};
