/** The Userpilot contract, below `/v1` and `/userpilot/v1`. Source: userpilot-api. */
import type { FastifyInstance, FastifyPluginAsync, FastifyReply, FastifyRequest, HTTPMethods } from "fastify";
import type { Config } from "../../config/env.ts";
import { createErrorHandler } from "../../http/errors.ts";
import type { RateLimiter } from "../../http/rate-limit.ts";
import { authenticateByScheme } from "../../http/scheme-authentication.ts";
import type { Services } from "../../services.ts";
import { notFound } from "../../shared/problem.ts";
import { bulkRoutes } from "./bulk.ts";
import { deleteRoutes } from "./deletes.ts";
import { errorItem, presentUserpilotError } from "./envelope.ts";
import { identifyRoutes } from "./identify.ts";
import { importRoute } from "./imports.ts";
import { jobRoutes } from "./jobs.ts";
import { SINGLE_BODY_LIMIT, type UserpilotOptions } from "./options.ts";
import { trackRoute } from "./track.ts";
import { validateRoutes } from "./validate.ts";

/** `Token` is the vendor's own. Source: userpilot-api §1.3. */
const SCHEMES = ["token", "bearer"];

/** The methods of each path; what other contracts below the same prefix serve there is theirs to add. */
const SERVED: Readonly<Record<string, readonly HTTPMethods[]>> = {
  "/identify": ["POST"],
  "/companies/identify": ["POST"],
  "/track": ["POST"],
  "/users/bulk_identify": ["POST"],
  "/companies/bulk_identify": ["POST"],
  "/imports": ["POST"],
  "/background_jobs": ["GET"],
  "/background_jobs/:jobId": ["GET"],
  "/users": ["GET", "DELETE"],
  "/companies": ["DELETE"],
  "/validate": ["GET"],
};

/** Methods that another contract serves on a path of this one. */
const OTHERS: Readonly<Record<string, readonly HTTPMethods[]>> = { "/users": ["POST"] };

const UNLIMITED: RateLimiter = { count: () => undefined };

export interface UserpilotApiOptions {
  services: Services;
  config: Config;
  limiter: RateLimiter;
  hidden?: boolean;
  /** Of a contract that shares the prefix: answers an unknown path that is rather its own, and returns whether it did. */
  answerOthers?: (request: FastifyRequest, reply: FastifyReply) => boolean;
}

export const userpilotApi: FastifyPluginAsync<UserpilotApiOptions> = async (
  app,
  { services, config, limiter, hidden = false, answerOthers },
) => {
  const options = { services, config, limiter: config.USERPILOT_RATE_LIMIT ? limiter : UNLIMITED, hidden };
  app.setErrorHandler(createErrorHandler(presentUserpilotError));
  app.setNotFoundHandler((request, reply) => {
    if (answerOthers?.(request, reply)) return;
    throw notFound("path", request.url.split("?", 1)[0] ?? null);
  });
  answerOtherMethods(app);
  await app.register(keyedApi, options);
};

const keyedApi: FastifyPluginAsync<UserpilotOptions> = async (app, options) => {
  authenticateByScheme(app, options.services.apiKeys, SCHEMES);
  await app.register(singleCalls, options);
  await app.register(bulkRoutes, options);
  await app.register(importRoute, options);
  await app.register(jobRoutes, options);
  await app.register(validateRoutes, options);
};

/** The calls whose body is one JSON object. */
const singleCalls: FastifyPluginAsync<UserpilotOptions> = async (app, options) => {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("*", { parseAs: "buffer", bodyLimit: SINGLE_BODY_LIMIT }, (_request, body, done) => done(null, body));
  await app.register(identifyRoutes, options);
  await app.register(trackRoute, options);
  await app.register(deleteRoutes, options);
};

const METHODS: readonly HTTPMethods[] = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

/** 405 before the key is asked for. */
function answerOtherMethods(app: FastifyInstance): void {
  for (const [url, served] of Object.entries(SERVED)) {
    const elsewhere = OTHERS[url] ?? [];
    const method = METHODS.filter((each) => !served.includes(each) && !elsewhere.includes(each));
    const answer = async (_request: FastifyRequest, reply: FastifyReply) =>
      reply
        .status(405)
        .header("allow", served.join(", "))
        .send({ errors: [errorItem(405, "method_not_allowed", `This path serves ${served.join(" and ")}`)] });
    app.route({ method, url, schema: { hide: true }, config: { isMethodFallback: true }, onRequest: answer, handler: answer });
  }
}
