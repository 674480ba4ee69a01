/** Envelopes of the v2 management API. Source: management-api-v2 §1.1, §1.2. */
import { z } from "zod";
import { ERROR_STATUS } from "../../http/error-status.ts";
import type { ErrorPresenter } from "../../http/errors.ts";
import type { Problem, ProblemIssue, ProblemKind } from "../../shared/problem.ts";

const STATUS = { ...ERROR_STATUS, invalid: 422 } as const satisfies Record<ProblemKind, number>;

const MESSAGE: Record<number, string> = {
  400: "Bad Request",
  401: "Unauthorized",
  403: "Forbidden",
  404: "Not Found",
  409: "Conflict",
  413: "Payload Too Large",
  422: "Unprocessable Entity",
  429: "Too Many Requests",
  500: "Internal Server Error",
  501: "Not Implemented",
  503: "Service Unavailable",
};

/** Kinds whose cause the contract never tells. */
const WITHOUT_DETAILS = new Set<ProblemKind>(["unauthenticated", "forbidden", "rate_limited"]);

/** `{"data": …}` around one resource. */
export const v2Data = <Schema extends z.ZodType>(schema: Schema) => z.object({ data: schema });

/** `{"data": […], "meta": …}` around a page of a list; `offset` echoes `skip`, `total` counts all that match. */
export const v2List = <Schema extends z.ZodType>(schema: Schema) =>
  z.object({ data: z.array(schema), meta: z.object({ total: z.int(), limit: z.int(), offset: z.int() }) });

/**
 * The same of long lists, which can be read page by page: `nextCursor` asks for the page that follows, null after the
 * last. Where more than 10,000 match, `total` is an estimate.
 */
export const v2LongList = <Schema extends z.ZodType>(schema: Schema) =>
  z.object({
    data: z.array(schema),
    meta: z.object({
      total: z.int().meta({ description: "How many match; exact up to 10,000" }),
      totalIsEstimate: z.boolean(),
      limit: z.int(),
      offset: z.int(),
      nextCursor: NextCursor,
    }),
  });

export const NextCursor = z
  .string()
  .nullable()
  .meta({ description: "Gives the page that follows, as `cursor`; null: there is none" });

export const V2Error = z
  .object({
    error: z.object({
      code: z.int(),
      message: z.string(),
      details: z
        .array(z.object({ field: z.string(), issue: z.string(), meta: z.record(z.string(), z.unknown()).optional() }))
        .optional(),
    }),
  })
  .meta({ id: "V2Error" });

/** What every route that needs a key may answer besides its success. */
export const KEYED_ERRORS = { 401: V2Error, 429: V2Error, 500: V2Error, 503: V2Error };

/** The same of routes that check a query or a path. */
export const QUERY_ERRORS = { ...KEYED_ERRORS, 422: V2Error };

/** The same of routes that take a body. */
export const BODY_ERRORS = { ...QUERY_ERRORS, 400: V2Error, 413: V2Error };

export const presentV2Error: ErrorPresenter = (problem) => {
  const status = STATUS[problem.kind];
  const details = WITHOUT_DETAILS.has(problem.kind) ? undefined : detailsOf(problem);
  return {
    status,
    headers: { "cache-control": "private, no-store" },
    body: { error: { code: status, message: MESSAGE[status], ...(details && { details }) } },
  };
};

function detailsOf(problem: Problem): ProblemIssue[] {
  if (problem.resource) return [{ field: problem.resource.type, issue: "not found" }];
  if (problem.issues) return problem.issues;
  if (problem.kind === "too_large") return [{ field: "body", issue: problem.message }];
  if (problem.kind === "unexpected")
    return [{ field: "error", issue: "An error occurred while processing your request. Please try again later." }];
  return [{ field: "error", issue: problem.message }];
}
