/**
 * Turns anything thrown into a Problem, logs what someone must act on, and lets the contract dress it. This is
 * the only place that knows both sides; the domain throws Problems, a contract's `envelope.ts` presents them.
 */
import type { FastifyError, FastifyReply, FastifyRequest } from "fastify";
import { hasZodFastifySchemaValidationErrors } from "fastify-type-provider-zod";
import { isMissingRow, isRetryable, isUnavailable, isUniqueViolation, isUnstorable } from "../db/errors.ts";
import { Problem, type ProblemIssue, type ProblemKind, unavailable } from "../shared/problem.ts";
import { wasTurnedAway } from "./overload.ts";

/** The largest request body a route takes, in bytes, unless it says otherwise. */
export const BODY_LIMIT = 2_097_152;

/** The answer a contract gives to a Problem. `text` answers carry no JSON. */
export interface PresentedError {
  status: number;
  body: unknown;
  headers?: Record<string, string>;
}

export type ErrorPresenter = (problem: Problem) => PresentedError;

/** A route's deviation from its contract's table: what the domain calls one kind is answered as another. */
export type ProblemOverrides = Partial<Record<ProblemKind, ProblemKind>>;

export function createErrorHandler(present: ErrorPresenter) {
  const presentRefusal = presentOnce(present);
  return function handleError(error: unknown, request: FastifyRequest, reply: FastifyReply): void {
    const problem = applyOverrides(toProblem(error), request.routeOptions.config.problems);
    logProblem(problem, request);
    const { status, body, headers } = wasTurnedAway(request) ? presentRefusal(problem) : present(problem);
    if (problem.retryAfterSeconds !== undefined) reply.header("retry-after", String(problem.retryAfterSeconds));
    if (headers) reply.headers(headers);
    if (problem.kind === "too_large") reply.header("connection", "close"); // the rest of the body is not read
    void reply.status(status).send(body);
  };
}

/** For the few Problems that are thrown over and over by a server that has too much to do: each is written once. */
function presentOnce(present: ErrorPresenter): ErrorPresenter {
  const known = new WeakMap<Problem, PresentedError>();
  return (problem) => {
    const presented = known.get(problem) ?? write(present(problem));
    known.set(problem, presented);
    return presented;
  };
}

function write(presented: PresentedError): PresentedError {
  if (typeof presented.body === "string") return presented;
  const headers = { ...presented.headers, "content-type": "application/json; charset=utf-8" };
  return { ...presented, headers, body: JSON.stringify(presented.body) };
}

/** Anything thrown, in domain terms. */
function toProblem(error: unknown): Problem {
  if (error instanceof Problem) return error;
  if (hasZodFastifySchemaValidationErrors(error)) return fromValidation(error);
  if (isFastifyError(error)) {
    if (error.code === "FST_ERR_CTP_BODY_TOO_LARGE")
      return new Problem("too_large", `Request body must not exceed ${BODY_LIMIT} bytes`);
    if (error.code === "FST_ERR_CTP_INVALID_CONTENT_LENGTH" || error.code === "FST_ERR_BAD_URL")
      return new Problem("malformed", error.message);
  }
  if (isUnavailable(error))
    return new Problem("unavailable", "The database cannot be reached", { retryAfterSeconds: 5, cause: error });
  if (isRetryable(error)) return unavailable("Others change the same rows, try again", 1, error); // it was repeated already
  if (isUniqueViolation(error)) return new Problem("conflict", "The row exists already", { cause: error });
  if (isMissingRow(error)) return new Problem("not_found", "A row that this one refers to does not exist", { cause: error });
  if (isUnstorable(error))
    return new Problem("invalid", "A value has characters that cannot be stored", {
      issues: [{ field: "", issue: "Contains characters that cannot be stored" }],
      cause: error,
    });
  return new Problem("unexpected", "An unexpected error occurred", { cause: error });
}

function fromValidation(error: { validation: { instancePath: string; message?: string | undefined }[] }): Problem {
  const issues: ProblemIssue[] = error.validation.map(({ instancePath, message = "Invalid input" }) => ({
    field: instancePath.replace(/^\//, "").replaceAll("/", "."),
    issue: message,
  }));
  return new Problem("invalid", "Fields are missing or incorrectly formatted", { issues });
}

function applyOverrides(problem: Problem, overrides: ProblemOverrides | undefined): Problem {
  const kind = overrides?.[problem.kind];
  if (kind === undefined) return problem;
  return new Problem(kind, problem.message, {
    ...(problem.issues && { issues: problem.issues }),
    ...(problem.resource && { resource: problem.resource }),
    ...(problem.details && { details: problem.details }),
    ...(problem.retryAfterSeconds !== undefined && { retryAfterSeconds: problem.retryAfterSeconds }),
    cause: problem.cause ?? problem,
  });
}

function logProblem(problem: Problem, request: FastifyRequest): void {
  if (wasTurnedAway(request)) return;
  if (problem.kind === "unexpected") request.log.error({ err: problem.cause ?? problem }, "request failed");
  else if (problem.kind === "unavailable") request.log.warn({ err: problem.cause ?? problem }, "request refused for now");
  else request.log.debug({ kind: problem.kind, reason: problem.message }, "request refused");
}

const isFastifyError = (error: unknown): error is FastifyError =>
  error instanceof Error && "code" in error && typeof error.code === "string" && error.code.startsWith("FST_");

declare module "fastify" {
  interface FastifyContextConfig {
    problems?: ProblemOverrides;
  }
}
