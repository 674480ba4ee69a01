/** Errors of the Userpilot contract: `{"errors":[…]}`, all members strings. Source: userpilot-api §5. */
import { z } from "zod";
import { ERROR_STATUS } from "../../http/error-status.ts";
import type { ErrorPresenter } from "../../http/errors.ts";
import { Problem, type ProblemKind } from "../../shared/problem.ts";

/** What the contract calls a refused input. */
export type Slug =
  | "missing_user_id"
  | "missing_event_name"
  | "missing_company_id"
  | "invalid_type"
  | "invalid_json"
  | "empty_list"
  | "limit_exceeded"
  | "unsupported_media_type";

/** One reason to refuse a request, or a row of a list. `message` names no values. */
export interface Refusal {
  slug: Slug;
  message: string;
}

/** The request is refused for all of these reasons; an issue's `field` holds the slug. */
export const refused = (refusals: readonly Refusal[]): Problem =>
  new Problem("invalid", "The request was refused", {
    issues: refusals.map(({ slug, message }) => ({ field: slug, issue: message })),
  });

export const refusal = (slug: Slug, message: string): Problem => refused([{ slug, message }]);

export const UserpilotError = z
  .object({
    errors: z.array(
      z.object({
        error: z.string().meta({ example: "unauthorized" }),
        error_code: z.string().meta({ example: "401" }),
        message: z.string().meta({ example: "Unauthorized" }),
        details: z.string().meta({ example: "Invalid API key" }),
      }),
    ),
  })
  .meta({ id: "UserpilotError" });

/** What every call may answer besides its success. */
export const ERRORS = {
  400: UserpilotError,
  401: UserpilotError,
  413: UserpilotError,
  415: UserpilotError,
  429: UserpilotError,
  500: UserpilotError,
  503: UserpilotError,
};

const STATUS = { ...ERROR_STATUS, forbidden: 401 } as const satisfies Record<ProblemKind, number>;

const SLUG = {
  malformed: "invalid_json",
  invalid: "invalid_type",
  unauthenticated: "unauthorized",
  forbidden: "unauthorized",
  not_found: "not_found",
  conflict: "job_in_progress",
  key_reused: "invalid_request",
  too_large: "payload_too_large",
  rate_limited: "too_many_requests",
  not_implemented: "not_implemented",
  unavailable: "service_unavailable",
  unexpected: "internal_error",
} as const satisfies Record<ProblemKind, string>;

const MESSAGE: Record<number, string> = {
  400: "Bad Request",
  401: "Unauthorized",
  404: "Not Found",
  405: "Method Not Allowed",
  409: "Conflict",
  413: "Payload Too Large",
  415: "Unsupported Media Type",
  429: "Too Many Requests",
  500: "Internal Server Error",
  501: "Not Implemented",
  503: "Service Unavailable",
};

export const presentUserpilotError: ErrorPresenter = (problem) => {
  const issues = problem.kind === "invalid" ? (problem.issues ?? []) : [];
  const isWrongType = issues.some(({ field }) => field === "unsupported_media_type");
  const status = isWrongType ? 415 : STATUS[problem.kind];
  const errors =
    issues.length > 0
      ? issues.map(({ field, issue }) => errorItem(status, field === "" ? SLUG.invalid : field, issue))
      : [errorItem(status, SLUG[problem.kind], detailsOf(problem))];
  return { status, body: { errors } };
};

/** One item of the envelope. */
export const errorItem = (status: number, error: string, details: string) => ({
  error,
  error_code: String(status),
  message: MESSAGE[status] ?? "Error",
  details,
});

function detailsOf(problem: Problem): string {
  if (problem.kind === "unauthenticated") return "Invalid API key";
  if (problem.kind === "malformed") return problem.details?.error ?? problem.message;
  return problem.message;
}
