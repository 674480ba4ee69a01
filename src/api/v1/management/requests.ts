/** What the management routes read from a request in the same way. Source: management-api-v1 §1, §2. */
import type { z } from "zod";
import type { EnvironmentService } from "../../../environments/service.ts";
import { parseJson } from "../../../http/json-body.ts";
import { ID_PATTERN } from "../../../shared/ids.ts";
import { type Principal, requireEnvironment } from "../../../shared/principal.ts";
import { invalid, Problem, type ProblemIssue } from "../../../shared/problem.ts";

/** Throws `invalid` unless the id of a path has the form of an id. */
export function requireRowId(id: string): void {
  if (!ID_PATTERN.test(id)) throw invalid("Validation failed: Invalid cuid2");
}

/** The JSON of a body that is there to say something. Throws `malformed`, also for a mere `null`. */
export function parseBody(bytes: unknown): unknown {
  const body = parseJson(bytes);
  if (body === null) throw new Problem("malformed", "Malformed JSON input, please check your request body");
  return body;
}

/**
 * The id of the environment that a body names, under either of its ids and either spelling, for the caller to write to.
 * Throws `invalid` when it names none, `not_found` (environment) when there is none of that name, and `forbidden`.
 */
export async function requireWritableEnvironment(
  environments: EnvironmentService,
  caller: Principal,
  body: unknown,
): Promise<string> {
  const given = member(body, "workspaceId") ?? member(body, "environmentId");
  if (given === undefined || given === null || given === "") throw invalid("workspaceId must be provided");
  if (typeof given !== "string") throw invalid("workspaceId must be a string");
  const { id } = await environments.configuration(given);
  requireEnvironment(caller, id, "write");
  return id;
}

const member = (value: unknown, name: string): unknown =>
  typeof value === "object" && value !== null && name in value ? Reflect.get(value, name) : undefined;

/** The body as the schema knows it. Throws `invalid` with every issue. */
export function parseFields<Output>(schema: z.ZodType<Output>, body: unknown): Output {
  const result = schema.safeParse(body);
  if (result.success) return result.data;
  throw invalidFields(result.error.issues.map(({ path, message }) => ({ field: path.map(String).join("."), issue: message })));
}

export const invalidFields = (issues: ProblemIssue[]): Problem =>
  invalid("Fields are missing or incorrectly formatted", { issues });

/** The last value of a query parameter that may be repeated. */
export const lastValue = (value: string | string[] | undefined): string | undefined =>
  Array.isArray(value) ? value.at(-1) : value;
