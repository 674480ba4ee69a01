/** API keys as the contracts of other vendors take them: in `Authorization`, under a scheme of the vendor's. */
import type { FastifyInstance, FastifyRequest } from "fastify";
import type { ApiKeyService } from "../api-keys/service.ts";
import { mayUseEnvironment, type Principal } from "../shared/principal.ts";
import { forbidden, unauthenticated } from "../shared/problem.ts";

/**
 * Demands an API key of every route of the scope before its body is read; sets `request.principal` and
 * `request.environmentId`. With these vendors a key belongs to one environment: a key of ours stands for the one
 * environment it may write to or, when there are several, for the only one of them that is in production.
 * @param schemes names of schemes, in lower case
 */
export function authenticateByScheme(app: FastifyInstance, apiKeys: ApiKeyService, schemes: readonly string[]): void {
  /** By principal, which lives as long as its key is trusted without asking. */
  const environments = new WeakMap<Principal, Promise<string>>();
  app.addHook("onRequest", async (request) => {
    const secret = readSecret(request, schemes);
    if (secret === null) throw unauthenticated();
    const principal = await apiKeys.authenticate(secret);
    const known = environments.get(principal) ?? selectEnvironment(apiKeys, principal);
    environments.set(principal, known);
    known.catch(() => environments.delete(principal));
    request.principal = principal;
    request.environmentId = await known;
  });
}

/** The key, or null when the header is missing or of another scheme. */
function readSecret({ headers: { authorization = "" } }: FastifyRequest, schemes: readonly string[]): string | null {
  const [, scheme = "", secret] = /^\s*([A-Za-z-]+)\s+(\S+)\s*$/.exec(authorization) ?? [];
  return secret !== undefined && schemes.includes(scheme.toLowerCase()) ? secret : null;
}

async function selectEnvironment(apiKeys: ApiKeyService, principal: Principal): Promise<string> {
  const writable = (await apiKeys.grants(principal)).filter(({ environment }) =>
    mayUseEnvironment(principal, environment.id, "write"),
  );
  if (writable.length === 0) throw forbidden("The API key may not write to any environment");
  const candidates = writable.length === 1 ? writable : writable.filter(({ environment }) => environment.type === "production");
  const [only, ...others] = candidates;
  if (!only || others.length > 0) throw forbidden("The API key may write to several environments: use a key for one of them");
  return only.environment.id;
}

declare module "fastify" {
  interface FastifyRequest {
    /** The environment that the API key stands for; set by {@link authenticateByScheme}. */
    environmentId: string;
  }
}
