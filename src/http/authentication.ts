import type { FastifyInstance, FastifyRequest } from "fastify";
import type { ApiKeyService } from "../api-keys/service.ts";
import type { Principal } from "../shared/principal.ts";
import { unauthenticated } from "../shared/problem.ts";
import { admit, keyedPermissionOf } from "./permission-check.ts";

/**
 * Demands an API key of every route of the scope before its body is read, and sets `request.principal` to what the
 * table of permissions lets its holder do there. Unknown paths and methods are the parent scope's: they are answered
 * without a key. `Authorization: Bearer fbk_…` counts when `x-api-key` is absent, unless the table says otherwise.
 */
export function authenticate(app: FastifyInstance, apiKeys: ApiKeyService): void {
  app.addHook("onRequest", async (request) => {
    const permission = keyedPermissionOf(request);
    const secret = readSecret(request, permission.bearer !== false);
    if (secret === null) throw unauthenticated();
    request.principal = admit(await apiKeys.authenticate(secret), permission);
  });
}

/** The key as it was sent, or null. A bearer key must have the new format: legacy keys count in `x-api-key` only. */
function readSecret(request: FastifyRequest, acceptBearer: boolean): string | null {
  const header = request.headers["x-api-key"];
  const key = (Array.isArray(header) ? header[0] : header)?.trim();
  if (key !== undefined) return key === "" ? null : key;
  const bearer = acceptBearer ? /^[Bb]earer +(fbk_[A-Za-z0-9_-]+) *$/.exec(request.headers.authorization ?? "") : null;
  return bearer?.[1] ?? null;
}

declare module "fastify" {
  interface FastifyRequest {
    /**
     * The caller, with the environments on which they may do what the operation does. Set by the scopes that demand an
     * API key; reading it elsewhere is a programming error.
     */
    principal: Principal;
  }
}
