/**
 * Checks a request in this contract's order: JSON, body schema, query schema, path schema; all before anything that
 * counts the request or looks something up. Source: management-api-v2 §1.3. Fastify's own order is another one, so
 * the schemas of a route are only documentation to it and are applied here.
 */
import type { FastifyInstance } from "fastify";
import { z } from "zod";
import { acceptAnything, parseJson } from "../../http/json-body.ts";
import { Problem, type ProblemIssue } from "../../shared/problem.ts";
import { isStorableText } from "../../shared/storable-text.ts";

/** Applies the `body`, `querystring` and `params` schemas of every route of the scope. */
export function checkInputs(app: FastifyInstance): void {
  app.setValidatorCompiler(acceptAnything);
  app.addHook("preHandler", async (request) => {
    const { schema = {}, config } = request.routeOptions;
    const { body, querystring, params } = schema;
    if (body instanceof z.ZodType) {
      const json = parseJson(request.body);
      request.body = config.checksOwnBody ? json : parse(body, json);
    }
    if (querystring instanceof z.ZodType) request.query = parse(querystring, lastOfEach(request.query));
    if (params instanceof z.ZodType) request.params = parse(params, request.params);
  });
}

function parse(schema: z.ZodType, input: unknown): unknown {
  const result = schema.safeParse(input);
  const issues: ProblemIssue[] = result.success ? unstorable(result.data) : result.error.issues.map(toProblemIssue);
  if (issues.length > 0) throw new Problem("invalid", "The request does not match its schema", { issues });
  return result.data;
}

/** A rule of our own may carry facts for programs in its `params`. */
const toProblemIssue = (issue: z.core.$ZodIssue): ProblemIssue => ({
  field: issue.path.join("."),
  issue: issue.message,
  ...(issue.code === "custom" && issue.params && { meta: issue.params }),
});

/** A name that is repeated in the query counts as given last. */
function lastOfEach(query: unknown): unknown {
  if (typeof query !== "object" || query === null) return {};
  return Object.fromEntries(Object.entries(query).map(([name, value]) => [name, Array.isArray(value) ? value.at(-1) : value]));
}

/** The strings the database cannot keep, which would otherwise fail only there: NUL characters and half surrogate pairs. */
function unstorable(value: unknown, field = ""): ProblemIssue[] {
  if (typeof value === "string")
    return isStorableText(value) ? [] : [{ field, issue: "Contains characters that cannot be stored" }];
  if (typeof value !== "object" || value === null || value instanceof Date) return [];
  return Object.entries(value).flatMap(([name, member]) => {
    const path = field === "" ? name : `${field}.${name}`;
    return [...unstorable(name, path), ...unstorable(member, path)];
  });
}

declare module "fastify" {
  interface FastifyContextConfig {
    /** The body's schema is documentation here: what it may be depends on what is stored, and the service checks it. */
    checksOwnBody?: boolean;
  }
}
