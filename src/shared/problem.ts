/**
 * What went wrong, in domain terms. A Problem knows nothing of HTTP: each contract decides which status and
 * body a kind becomes (see the `envelope.ts` of every folder in `src/api`).
 */
export type ProblemKind =
  | "malformed" // the body is not what the contract can parse at all
  | "invalid" // it parses, and breaks a rule
  | "unauthenticated"
  | "forbidden"
  | "not_found"
  | "conflict"
  | "key_reused" // the idempotency key of another request came with this one
  | "too_large"
  | "rate_limited"
  | "not_implemented"
  | "unavailable" // try again later: the database is away, a queue is full
  | "unexpected";

/** One broken rule: the dotted path of the value (`""` is the whole) and what is wrong with it. */
export interface ProblemIssue {
  field: string;
  issue: string;
  /** Facts about it for programs. */
  meta?: Record<string, unknown>;
}

export interface ProblemOptions {
  /** Every broken rule, for kinds `malformed`, `invalid`, `not_found` and `conflict`. */
  issues?: ProblemIssue[];
  /** What was not found: a noun of the glossary and the id as it was sent. */
  resource?: { type: string; id: string | null };
  /** Facts for the caller that a contract may show as they are. Strings only: some SDKs decode nothing else. */
  details?: Record<string, string>;
  /** For `unavailable` and `rate_limited`. */
  retryAfterSeconds?: number;
  /** The private cause: logged, never shown. */
  cause?: unknown;
}

export class Problem extends Error {
  override readonly name = "Problem";
  readonly kind: ProblemKind;
  readonly issues: ProblemIssue[] | undefined;
  readonly resource: { type: string; id: string | null } | undefined;
  readonly details: Record<string, string> | undefined;
  readonly retryAfterSeconds: number | undefined;

  constructor(kind: ProblemKind, message: string, options: ProblemOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.kind = kind;
    this.issues = options.issues;
    this.resource = options.resource;
    this.details = options.details;
    this.retryAfterSeconds = options.retryAfterSeconds;
  }
}

export const invalid = (message: string, options?: ProblemOptions) => new Problem("invalid", message, options);

/** A single broken rule of one field. */
export const invalidField = (field: string, issue: string) => new Problem("invalid", issue, { issues: [{ field, issue }] });

/** A well-formed request that what is stored forbids; the published contracts answer it as they do a malformed one. */
export const refused = (field: string, issue: string, meta?: Record<string, unknown>) =>
  new Problem("malformed", issue, { issues: [{ field, issue, ...(meta && { meta }) }] });

export const notFound = (type: string, id: string | null) =>
  new Problem("not_found", `${type} not found`, { resource: { type, id } });

export const conflict = (field: string, issue: string) => new Problem("conflict", issue, { issues: [{ field, issue }] });

export const forbidden = (message = "Forbidden", options?: ProblemOptions) => new Problem("forbidden", message, options);

export const unauthenticated = () => new Problem("unauthenticated", "Unauthorized");

export const unavailable = (message: string, retryAfterSeconds: number, cause?: unknown) =>
  new Problem("unavailable", message, { retryAfterSeconds, cause });
