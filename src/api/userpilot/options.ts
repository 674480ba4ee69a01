import type { FastifyInstance, FastifyRequest } from "fastify";
import type { Config } from "../../config/env.ts";
import { parseJson } from "../../http/json-body.ts";
import type { RateBucket, RateLimiter } from "../../http/rate-limit.ts";
import type { Services } from "../../services.ts";
import { refusal } from "./envelope.ts";
import { createReader, isObject, type Reader } from "./values.ts";

export interface UserpilotOptions {
  services: Services;
  config: Config;
  /** Counts Userpilot's own limits, when they are on. */
  limiter: RateLimiter;
  /** The second mount of the same routes: left out of the OpenAPI document. */
  hidden: boolean;
}

/** The name of this contract on what it stores. */
export const SOURCE = "userpilot";

export const TAGS = ["Userpilot"];

/** The largest JSON body of a call about one user, company or event. Source: userpilot-api §5. */
export const SINGLE_BODY_LIMIT = 10 * 1024 * 1024;

/** Counts the requests of a scope's routes per API key, after the key was checked and before the body is read. */
export function countRequests(app: FastifyInstance, limiter: RateLimiter, bucket: RateBucket): void {
  app.addHook("onRequest", async (request) => limiter.count(bucket, request.principal.apiKeyId));
}

const MEDIA_TYPE = /^\s*application\/json\s*(;.*)?$/i;

/** A JSON object as the body of a call. A missing content type counts as JSON. */
export function readBody({ headers, body }: FastifyRequest): Record<string, unknown> {
  const type = headers["content-type"];
  if (type !== undefined && body !== undefined && !MEDIA_TYPE.test(type))
    throw refusal("unsupported_media_type", "The body must be application/json");
  const parsed = parseJson(body);
  if (!isObject(parsed)) throw refusal("invalid_json", "The body must be a JSON object");
  return parsed;
}

/** Collects what is wrong with the request, as strictly as it asks for. */
export const readerOf = ({ headers }: FastifyRequest): Reader =>
  createReader({ strict: /^(1|true)$/i.test(String(headers["x-strict-mode"] ?? "")) });
