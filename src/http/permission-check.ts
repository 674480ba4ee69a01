/** Holds every route to its entry in the table of permissions. */
import type { FastifyInstance, FastifyRequest, RouteOptions } from "fastify";
import { mayUseEnvironment, mayUseOrganization, type PermissionLevel, type Principal } from "../shared/principal.ts";
import { unauthenticated } from "../shared/problem.ts";
import { StartError } from "../shared/start-error.ts";
import { type KeyedPermission, type OperationId, PERMISSIONS, type Permission } from "./permissions.ts";

/**
 * Gives every route that is registered from now on its permission, as `routeOptions.config.permission`. A route whose
 * `operationId` is not in the table, or that has none, ends the start. Call it before anything is registered, and
 * `close` when everything is: an entry that no route has ends the start too.
 */
export function requirePermissions(app: FastifyInstance): { close: (options?: { absent: readonly OperationId[] }) => void } {
  const served = new Set<string>();
  app.addHook("onRoute", (route) => {
    if (route.config?.isMethodFallback) return; // tells which methods the path serves, and does nothing
    const operation = operationOf(route);
    if (operation === undefined || !isOperation(operation))
      throw new StartError(
        `${[route.method].flat().join(", ")} ${route.url} has no permission: name its operationId in src/http/permissions.ts`,
      );
    // Fastify derives the routes of HEAD from those of GET, with all that is said of them.
    route.config = { ...route.config, operation, permission: PERMISSIONS[operation] };
    served.add(operation);
  });
  return { close };

  /** @param absent what is switched off */
  function close({ absent }: { absent: readonly OperationId[] } = { absent: [] }): void {
    const unserved = Object.keys(PERMISSIONS).filter(
      (operation) => !served.has(operation) && !absent.some((id) => id === operation),
    );
    if (unserved.length > 0)
      throw new StartError(`src/http/permissions.ts names operations that no route has: ${unserved.join(", ")}`);
  }
}

function operationOf({ url, schema }: RouteOptions): string | undefined {
  if (schema?.operationId !== undefined) return schema.operationId;
  // Swagger UI registers its pages itself, and names none.
  return schema?.hide === true && /^\/docs(\/|$)/.test(url) ? "readDocumentation" : undefined;
}

const isOperation = (name: string): name is OperationId => Object.hasOwn(PERMISSIONS, name);

/** What the request's route asks of its caller; an error where a route asks for no key of ours. */
export function keyedPermissionOf({ routeOptions: { config, url } }: FastifyRequest): KeyedPermission {
  const { permission } = config;
  if (permission?.audience === "management" || permission?.audience === "organization") return permission;
  throw new Error(`${url ?? "An unknown path"} demands a key, but its entry in the table of permissions does not`);
}

/**
 * The caller as an operation is to know them: with those environments alone on which their key holds the level of the
 * operation, so that no service can do more for them than the table allows. Each row that is touched is looked at where
 * it is touched: whether it exists is answered before whether the key may touch it (management-api-v1 §2.6,
 * management-api-v2 §2.3). Throws `unauthenticated` for a key that has no environment at all.
 */
export function admit(caller: Principal, permission: KeyedPermission): Principal {
  if (permission.scope !== "environment") return caller;
  if (caller.permissions.size === 0 && !permission.withoutEnvironment) throw unauthenticated();
  return withLevel(caller, permission.level);
}

/** By caller, who lives as long as their key is trusted without asking. */
const admitted = new WeakMap<Principal, Map<PermissionLevel, Principal>>();

function withLevel(caller: Principal, level: PermissionLevel): Principal {
  const levels = admitted.get(caller) ?? new Map<PermissionLevel, Principal>();
  admitted.set(caller, levels);
  const known = levels.get(level);
  if (known) return known;
  const environments = [...caller.permissions].filter(([id]) => mayUseEnvironment(caller, id, level));
  const principal = { ...caller, permissions: new Map(environments) };
  levels.set(level, principal);
  return principal;
}

/**
 * A hook for routes of an organization: throws `unauthenticated` for a key of another organization than the path's, or
 * without the access that the table asks for.
 */
export async function requireOrganizationAccess(request: FastifyRequest): Promise<void> {
  const { principal, params } = request;
  const permission = keyedPermissionOf(request);
  if (permission.scope !== "organization") throw new Error(`${request.routeOptions.url} is no route of an organization`);
  const organizationId = organizationOf(params) ?? principal.organizationId;
  if (!mayUseOrganization(principal, organizationId, permission.level)) throw unauthenticated();
}

function organizationOf(params: unknown): string | undefined {
  if (typeof params !== "object" || params === null || !("organizationId" in params)) return undefined;
  return String(params.organizationId);
}

declare module "fastify" {
  interface FastifyContextConfig {
    /** The route's name in the table of permissions; put there when it is registered. */
    operation?: OperationId;
    permission?: Permission;
  }
}
