/** What the management routes read from a request in the same way. Source: management-api-v1 §1, §2. */
import { z } from "zod";
import type { EnvironmentService } from "../../../environments/service.ts";
import { parseJson } from "../../../http/json-body.ts";
import { ID_PATTERN } from "../../../shared/ids.ts";
import type { Principal } from "../../../shared/principal.ts";
import { forbidden, invalid, Problem, type ProblemIssue, type ProblemKind } from "../../../shared/problem.ts";
import { findUnstorable } from "../../../shared/storable-text.ts";

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
  if (!caller.permissions.has(id)) throw forbidden();
  return id;
}

const member = (value: unknown, name: string): unknown =>
  typeof value === "object" && value !== null && name in value ? Reflect.get(value, name) : undefined;

/** The body as the schema knows it. Throws `invalid` with every issue, and for text that cannot be stored. */
export function parseFields<Output>(schema: z.ZodType<Output>, body: unknown): Output {
  const result = schema.safeParse(body);
  if (!result.success)
    throw invalidFields(result.error.issues.map(({ path, message }) => ({ field: path.map(String).join("."), issue: message })));
  const unstorable = findUnstorable(result.data);
  if (unstorable === null) return result.data;
  throw invalidFields([{ field: unstorable.join("."), issue: "Invalid input: NUL or an unpaired surrogate" }]);
}

export const invalidFields = (issues: ProblemIssue[]): Problem =>
  invalid("Fields are missing or incorrectly formatted", { issues });

/** The last value of a query parameter that may be repeated. */
export const lastValue = (value: string | string[] | undefined): string | undefined =>
  Array.isArray(value) ? value.at(-1) : value;

/** A query parameter that may be repeated; the last one counts. */
export const repeatable = z.union([z.string(), z.array(z.string())]).optional();

/** The numbers of lists. Source: management-api-v1 §10.1, §12.1. */
export const listQuery = {
  limit: repeatable.meta({ description: "How many at most" }),
  skip: repeatable.meta({ description: "How many to pass over" }),
  offset: repeatable.meta({ description: "The same as `skip`" }),
};

/** The query of a list that takes nothing else. */
export const ListQuery = z.object(listQuery);

/**
 * A count in a query, as the reference reads it: an empty text is 0. Throws `invalid`; what is no number is reported
 * without the parameter's name.
 */
export function readCount(name: string, value: string | string[] | undefined): number | undefined {
  const text = lastValue(value);
  if (text === undefined) return undefined;
  const number = Number(text);
  if (Number.isNaN(number)) throw invalid("Validation failed: Invalid input: expected number, received NaN");
  const { data, error } = z.int().min(0).safeParse(number);
  if (error) throw invalidFields([{ field: name, issue: error.issues[0]?.message ?? "Invalid input" }]);
  return data;
}

/** Which part of a list that is shown whole unless a part is asked for, oldest first. Source: management-api-v1 §18, #15. */
export function readPage({ limit, skip, offset }: z.output<typeof ListQuery>) {
  return {
    limit: readCount("limit", lastValue(limit) || undefined) ?? Number.MAX_SAFE_INTEGER,
    skip: readCount("skip", skip ?? offset) ?? 0,
    sortBy: "createdAt",
    order: "asc",
    filterDateField: "createdAt",
  } as const;
}

/** What a Problem of a kind is called in this contract, where that differs from route to route. */
export async function reworded<Result>(
  work: Promise<Result>,
  words: Partial<Record<ProblemKind, (problem: Problem) => Problem>>,
): Promise<Result> {
  try {
    return await work;
  } catch (error) {
    throw (error instanceof Problem ? words[error.kind]?.(error) : undefined) ?? error;
  }
}
