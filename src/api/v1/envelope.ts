/** Envelopes of the v1 management API. Source: management-api-v1 §2.4, §2.5. */
import { z } from "zod";
import { createCodedErrorPresenter } from "../../http/coded-error.ts";
import type { ErrorPresenter } from "../../http/errors.ts";
import { forbidden, type Problem } from "../../shared/problem.ts";

const presentCodedError = createCodedErrorPresenter({
  malformed: { details: {} },
  unauthenticated: { message: "Not authenticated", details: { "x-Api-Key": "Header not provided or API Key invalid" } },
  // "authenticated, but not allowed" is 401 in this contract
  forbidden: { status: 401, code: "unauthorized", message: "You are not authorized to access this resource", details: {} },
  conflict: { details: {} },
  unexpected: { message: "Something went wrong. Please try again.", details: {} },
});

/** Answers to a body that broke a schema, alone of all, carry these. Source: management-api-v1 §2.4. */
export const CORS_HEADERS = {
  "access-control-allow-origin": "*",
  "access-control-allow-methods": "GET, POST, PUT, DELETE, OPTIONS",
  "access-control-allow-headers": "Content-Type, Authorization",
};

/**
 * What is forbidden whoever asks, such as one more of what there is a limit for. The permissions of a key are another
 * matter, which this contract answers with 401.
 */
export const forbiddenToAll = (message: string): Problem => forbidden(message, { details: {} });

export const presentV1Error: ErrorPresenter = (problem) => {
  const presented = presentCodedError(problem);
  const { kind, message, details } = problem;
  if (kind === "forbidden" && details !== undefined) return { ...presented, status: 403, body: { code: kind, message, details } };
  // Of what went wrong within, only the file store's part is told.
  if (kind === "unexpected" && details !== undefined)
    return {
      ...presented,
      body: { code: "internal_server_error", message, details },
      headers: { ...presented.headers, ...CORS_HEADERS },
    };
  if (problem.kind !== "invalid" || problem.issues === undefined) return presented;
  return { ...presented, headers: { ...presented.headers, ...CORS_HEADERS } };
};

export const V1Error = z
  .object({ code: z.string(), message: z.string(), details: z.record(z.string(), z.string().nullable()) })
  .meta({ id: "V1Error" });

/** `{"data": …}`. */
export const v1Data = <Schema extends z.ZodType>(schema: Schema) => z.object({ data: schema });

/** What every route that needs a key may answer besides its success. */
export const LIST_ERRORS = { 401: V1Error, 429: V1Error, 500: V1Error, 503: V1Error };

/** The same of routes about one thing that is named in the path. */
export const ITEM_ERRORS = { ...LIST_ERRORS, 400: V1Error, 404: V1Error };

/** The same of routes that take a body. */
export const BODY_ERRORS = { ...LIST_ERRORS, 400: V1Error, 413: V1Error };
