import { isUtf8 } from "node:buffer";
import type { FastifyInstance } from "fastify";
import { Problem } from "../shared/problem.ts";
import { BODY_LIMIT } from "./errors.ts";

/**
 * Takes every body of the scope as bytes, whatever its content type says: the contracts parse JSON without regard
 * to that header, and answer a body they cannot parse in words of their own. See {@link parseJson}.
 */
export function acceptAnyBody(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("*", { parseAs: "buffer", bodyLimit: BODY_LIMIT }, (_request, body, done) => done(null, body));
}

/**
 * Parses a body taken by {@link acceptAnyBody}. A byte order mark is skipped.
 * Throws `malformed` with the parser's own text when it is absent, not UTF-8 or not JSON.
 * @param message the Problem's message, which some routes word differently
 */
export function parseJson(body: unknown, message = "Malformed JSON input, please check your request body"): unknown {
  const malformed = (reason: string) => new Problem("malformed", message, { details: { error: reason } });
  if (body === undefined || body === null) throw malformed("Unexpected end of JSON input");
  if (!Buffer.isBuffer(body)) return body;
  if (!isUtf8(body)) throw malformed("The body is not valid UTF-8");
  const start = body[0] === 0xef && body[1] === 0xbb && body[2] === 0xbf ? 3 : 0;
  try {
    return JSON.parse(body.toString("utf8", start));
  } catch (error) {
    throw malformed(error instanceof Error ? error.message : "Invalid JSON");
  }
}

/** For routes whose schema only documents, because they check their input themselves. */
export const acceptAnything = () => (data: unknown) => ({ value: data });
