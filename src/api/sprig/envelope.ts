/** Errors of the Sprig contract: `{"error":"<text>"}`, or a bare text where the vendor sends one. Source: sprig-api §8. */
import { z } from "zod";
import { ERROR_STATUS } from "../../http/error-status.ts";
import type { ErrorPresenter } from "../../http/errors.ts";
import { invalid, type Problem, type ProblemKind } from "../../shared/problem.ts";

export const SprigError = z.object({ error: z.string().meta({ example: "userId is required" }) }).meta({ id: "SprigError" });

/** A body of plain text, for a route's schema. */
export const text = (example: string, description = example) => ({
  description,
  content: { "text/plain": { schema: z.string().meta({ example }) } },
});

const TOO_MANY = "Your application has made too many requests in too short a time.";

/** What every call may answer besides its success. */
export const ERRORS = {
  400: SprigError,
  403: text("Forbidden", "No API key, a wrong one, or one that may not do this with an environment"),
  429: text(TOO_MANY),
  500: SprigError,
  503: SprigError,
};

/** Of calls that take a body. */
export const BODY_ERRORS = { ...ERRORS, 413: SprigError };

export const NOT_FOUND = { 404: text("Not Found") };

const POLICY = "policy";

/** Well-formed, and refused all the same: 422. */
export const refusedByPolicy = (message: string): Problem => invalid(message, { issues: [{ field: POLICY, issue: message }] });

const STATUS = { ...ERROR_STATUS, unauthenticated: 403 } as const satisfies Record<ProblemKind, number>;

/** Kinds that say the same whatever happened; strings are sent as text, objects as JSON. */
const FIXED: Partial<Record<ProblemKind, string | { error: string }>> = {
  unauthenticated: "Forbidden",
  forbidden: "Forbidden",
  not_found: "Not Found",
  rate_limited: TOO_MANY,
  too_large: { error: "Payload too large" },
  unexpected: { error: "Internal error" },
};

export const presentSprigError: ErrorPresenter = (problem) => {
  const isPolicy = problem.kind === "invalid" && problem.issues?.some(({ field }) => field === POLICY);
  return { status: isPolicy ? 422 : STATUS[problem.kind], body: FIXED[problem.kind] ?? { error: problem.message } };
};
