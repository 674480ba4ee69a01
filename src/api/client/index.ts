/** The client API: what Formbricks SDKs call, without a key. v1 and v2 differ in few routes. Source: client-api §2. */
import type { FastifyPluginAsync } from "fastify";
import { createErrorHandler } from "../../http/errors.ts";
import { acceptAnyBody } from "../../http/json-body.ts";
import { answerOtherMethods } from "../../http/methods.ts";
import type { RateLimiter } from "../../http/rate-limit.ts";
import { answerUnknownPath } from "../../http/unknown-path.ts";
import type { Services } from "../../services.ts";
import { presentClientError } from "./envelope.ts";

export interface ClientApiOptions {
  generation: "v1" | "v2";
  services: Services;
  limiter: RateLimiter;
}

/** On every answer below the prefix, errors included. Source: client-api §2.6. */
const HEADERS = {
  "access-control-allow-credentials": "true",
  "access-control-allow-origin": "*",
  "access-control-allow-methods": "GET,OPTIONS,PATCH,DELETE,POST,PUT",
  "access-control-allow-headers":
    "X-CSRF-Token, X-Requested-With, Accept, Accept-Version, Content-Length, Content-MD5, Content-Type, Date, X-Api-Version, Cache-Control",
  "cache-control": "private, no-store",
};

export const clientApi: FastifyPluginAsync<ClientApiOptions> = async (app) => {
  const otherMethods = answerOtherMethods(app);
  app.setErrorHandler(createErrorHandler(presentClientError));
  app.addHook("onRequest", async (_request, reply) => {
    reply.headers(HEADERS);
  });
  acceptAnyBody(app);
  answerUnknownPath(app);
  otherMethods.close();
};
