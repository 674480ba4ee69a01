/**
 * The environment that a request names, in either generation's words (`workspaceId` or `environmentId`, the first
 * wins) and by either of its ids. Source: management-api-v2 §0.1, §1.3.
 */
import type { preValidationHookHandler } from "fastify";
import { z } from "zod";
import { parseJson } from "../../../http/json-body.ts";
import type { Services } from "../../../services.ts";
import { ID_PATTERN } from "../../../shared/ids.ts";
import type { Principal } from "../../../shared/principal.ts";
import { forbidden, Problem, refused, unauthenticated } from "../../../shared/problem.ts";

type Environments = Services["environments"];

const ResolvedId = z
  .string()
  .optional()
  .transform((id, context) => {
    if (id !== undefined) return id;
    context.addIssue({ code: "custom", message: "workspaceId must be provided" });
    return z.NEVER;
  });

/** Of a body on which {@link resolveOwner} runs first, so that both names hold the environment's own id. */
export const OWNER_IN_BODY = {
  workspaceId: ResolvedId.meta({ description: "Id or legacy id of the environment, or give environmentId" }),
  environmentId: ResolvedId.meta({ description: "Another name for workspaceId" }),
};

/** Of a list's query. See {@link listedOwner}. */
export const OWNER_IN_QUERY = {
  workspaceId: z.string().optional().meta({ description: "Only this environment's, by id or legacy id" }),
  environmentId: z.string().optional().meta({ description: "Another name for workspaceId" }),
};

/** Both names, as answers carry them. */
export const OWNER_IN_ANSWER = { workspaceId: z.string(), environmentId: z.string() };

/** Puts the environment's id under both names. */
export const presentOwner = <Row extends { environmentId: string }>(row: Row) => ({ ...row, workspaceId: row.environmentId });

/**
 * A hook for routes whose body names its environment: parses the body and puts the environment's id into it, before
 * any schema. Answers 400 when none is named, 404 when there is none such, 403 when the caller was not admitted to it.
 */
export function resolveOwner(environments: Environments): preValidationHookHandler {
  return async (request) => {
    const body = parseJson(request.body);
    const given = ownerOf(body);
    if (given === undefined) throw refused("workspaceId", "workspaceId must be provided");
    const id = await findEnvironment(environments, given);
    if (id === null)
      throw new Problem("not_found", "The environment does not exist", {
        issues: [{ field: "workspaceId", issue: "workspace not found" }],
      });
    if (!request.principal.permissions.has(id)) throw forbidden();
    request.body = Object.assign({}, body, { workspaceId: id, environmentId: id });
  };
}

/**
 * The environment to which a list is narrowed by its query; undefined: all that the key may read.
 * Throws `unauthenticated` when the key may not read the one that is named, or there is none such.
 */
export async function listedOwner(
  environments: Environments,
  { permissions }: Principal,
  query: { workspaceId?: string | undefined; environmentId?: string | undefined },
): Promise<string | undefined> {
  const given = query.workspaceId ?? query.environmentId;
  if (given === undefined) return undefined;
  const id = await findEnvironment(environments, given);
  if (id === null || !permissions.has(id)) throw unauthenticated();
  return id;
}

function ownerOf(body: unknown): string | undefined {
  if (typeof body !== "object" || body === null) return undefined;
  const { workspaceId, environmentId }: { workspaceId?: unknown; environmentId?: unknown } = body;
  return [workspaceId, environmentId].find((id): id is string => typeof id === "string" && id !== "");
}

/** Null when no environment has the id or legacy id. */
async function findEnvironment(environments: Environments, id: string): Promise<string | null> {
  if (!ID_PATTERN.test(id)) return null;
  try {
    return (await environments.configuration(id)).id;
  } catch (error) {
    if (error instanceof Problem && error.kind === "not_found") return null;
    throw error;
  }
}
