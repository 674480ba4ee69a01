import type { ProblemKind } from "../shared/problem.ts";

/** What HTTP says of each kind. A contract that says otherwise writes that down over it. */
export const ERROR_STATUS = {
  malformed: 400,
  invalid: 400,
  unauthenticated: 401,
  forbidden: 403,
  not_found: 404,
  conflict: 409,
  key_reused: 422,
  too_large: 413,
  rate_limited: 429,
  not_implemented: 501,
  unavailable: 503,
  unexpected: 500,
} as const satisfies Record<ProblemKind, number>;
