import type { FastifyInstance, FastifyRequest } from "fastify";
import type { ApiKeyService } from "../api-keys/service.ts";
import type { Principal } from "../shared/principal.ts";
import { unauthenticated } from "../shared/problem.ts";

/**
 * Demands an API key of every route of the scope before its body is read, and sets `request.principal`.
 * @param acceptBearer whether `Authorization: Bearer fbk_…` counts when `x-api-key` is absent
 */
export function authenticate(app: FastifyInstance, apiKeys: ApiKeyService, { acceptBearer }: { acceptBearer: boolean }): void {
  app.addHook("onRequest", async (request) => {
    if (request.routeOptions.config.isMethodFallback || request.routeOptions.config.isPublic) return;
    const secret = readSecret(request, acceptBearer);
    const principal = secret === null ? null : await apiKeys.authenticate(secret);
    if (principal === null) throw unauthenticated();
    request.principal = principal;
  });
}

/** The key as it was sent, or null. A bearer key must have the new format (`fbk_…`). */
function readSecret(request: FastifyRequest, acceptBearer: boolean): string | null {
  const header = request.headers["x-api-key"];
  const key = (Array.isArray(header) ? header[0] : header)?.trim();
  if (key !== undefined) return key === "" ? null : key;
  const bearer = acceptBearer ? /^Bearer\s+(fbk_\S+)\s*$/i.exec(request.headers.authorization ?? "") : null;
  return bearer?.[1] ?? null;
}

declare module "fastify" {
  interface FastifyRequest {
    /** Set by the scopes that demand an API key; reading it elsewhere is a programming error. */
    principal: Principal;
  }
  interface FastifyContextConfig {
    /** The route answers without an API key although its scope demands one. */
    isPublic?: boolean;
  }
}
