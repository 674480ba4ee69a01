import type { Database } from "../db/database.ts";
import type { Principal } from "../shared/principal.ts";

export type ApiKeyService = ReturnType<typeof createApiKeyService>;

/** API keys: who may call the management APIs, and what they may do there. */
export function createApiKeyService({ db }: { db: Database }) {
  return { authenticate };

  /** The principal behind the key as it was sent, or null. */
  async function authenticate(secret: string): Promise<Principal | null> {
    void db;
    void secret;
    return null;
  }
}
