import type { FastifyInstance, FastifyRequest } from "fastify";
import type { Config } from "../../config/env.ts";
import { parseJson } from "../../http/json-body.ts";
import type { RateBucket, RateLimiter } from "../../http/rate-limit.ts";
import type { Services } from "../../services.ts";
import { invalid } from "../../shared/problem.ts";
import { isObject } from "./values.ts";

export interface SprigOptions {
  services: Services;
  config: Config;
  /** Counts Sprig's own limits, when they are on. */
  limiter: RateLimiter;
  /** The second mount of the same routes: left out of the OpenAPI document. */
  hidden: boolean;
}

/** The name of this contract on what it stores. */
export const SOURCE = "sprig";

export const TAGS = ["Sprig"];

/** Source: sprig-api §8. */
const BODY_LIMIT = 1024 * 1024;

/** Takes the bodies of a scope as bytes, whatever their content type says. Source: sprig-api §1.5. */
export function acceptJson(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("*", { parseAs: "buffer", bodyLimit: BODY_LIMIT }, (_request, body, done) => done(null, body));
}

/** A JSON object as the body of a call. */
export function readBody({ body }: FastifyRequest): Record<string, unknown> {
  const parsed = parseJson(body, "The body is not valid JSON");
  if (!isObject(parsed)) throw invalid("The body must be a JSON object");
  return parsed;
}

/** Counts the requests of a scope's routes per API key, after the key was checked and before the body is read. */
export function countRequests(app: FastifyInstance, limiter: RateLimiter, bucket: RateBucket): void {
  app.addHook("onRequest", async (request) => limiter.count(bucket, request.principal.apiKeyId));
}
