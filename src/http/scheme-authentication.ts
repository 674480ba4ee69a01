/** API keys as the contracts of other vendors take them: in `Authorization`, under a scheme of the vendor's. */
import type { FastifyInstance, FastifyRequest } from "fastify";
import type { ApiKeyService } from "../api-keys/service.ts";
import { mayUseEnvironment, type Principal } from "../shared/principal.ts";
import { forbidden, unauthenticated } from "../shared/problem.ts";

/** What a key stands for with vendors who know one environment per key. */
interface Selection {
  environmentId: string;
  mayWrite: boolean;
}

/**
 * Demands an API key of every route of the scope before its body is read; sets `request.principal` and
 * `request.environmentId`. With these vendors a key belongs to one environment: a key of ours stands for the one
 * environment it may write to or, when there are several, for the only one of them that is in production. A key that may
 * write nowhere stands likewise for the one it may read, where reading is enough.
 * @param schemes names of schemes, in lower case
 */
export function authenticateByScheme(app: FastifyInstance, apiKeys: ApiKeyService, schemes: readonly string[]): void {
  /** By principal, which lives as long as its key is trusted without asking. */
  const selections = new WeakMap<Principal, Promise<Selection>>();
  app.addHook("onRequest", async (request) => {
    const secret = readSecret(request, schemes);
    if (secret === null) throw unauthenticated();
    const principal = await apiKeys.authenticate(secret);
    const known = selections.get(principal) ?? selectEnvironment(apiKeys, principal);
    selections.set(principal, known);
    known.catch(() => selections.delete(principal));
    const { environmentId, mayWrite } = await known;
    if (!mayWrite && !isReadEnough(request)) throw forbidden("The API key may not write to any environment");
    request.principal = principal;
    request.environmentId = environmentId;
  });
}

const isReadEnough = ({ routeOptions: { config } }: FastifyRequest): boolean =>
  config.permission?.audience === "vendor" && config.permission.level === "read";

/** The key, or null when the header is missing or of another scheme. */
function readSecret({ headers: { authorization = "" } }: FastifyRequest, schemes: readonly string[]): string | null {
  const [, scheme = "", secret] = /^\s*([A-Za-z-]+)\s+(\S+)\s*$/.exec(authorization) ?? [];
  return secret !== undefined && schemes.includes(scheme.toLowerCase()) ? secret : null;
}

async function selectEnvironment(apiKeys: ApiKeyService, principal: Principal): Promise<Selection> {
  const grants = await apiKeys.grants(principal);
  if (grants.length === 0) throw forbidden("The API key may not use any environment");
  const writable = grants.filter(({ environment }) => mayUseEnvironment(principal, environment.id, "write"));
  const mayWrite = writable.length > 0;
  const usable = mayWrite ? writable : grants;
  const candidates = usable.length === 1 ? usable : usable.filter(({ environment }) => environment.type === "production");
  const [only, ...others] = candidates;
  if (!only || others.length > 0) throw forbidden("The API key is for several environments: use a key for one of them");
  return { environmentId: only.environment.id, mayWrite };
}

declare module "fastify" {
  interface FastifyRequest {
    /** The environment that the API key stands for; set by {@link authenticateByScheme}. */
    environmentId: string;
  }
}
