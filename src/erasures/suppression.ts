/** Identities that were erased are remembered as keyed hashes, so that late events do not bring them back. */
import { createHmac, hkdfSync } from "node:crypto";
import type { Database } from "../db/database.ts";

export type Suppression = ReturnType<typeof createSuppression>;

/** What a person is known by. */
export interface Identity {
  kind: "userId" | "email";
  value: string;
}

/**
 * @param encryptionKey of the installation: without it nobody can tell whose hash a row is by trying likely ids
 * @param previousKeys keys of former times: what was erased under them stays suppressed
 */
export function createSuppression({
  db,
  encryptionKey,
  previousKeys = [],
}: {
  db: Database;
  encryptionKey: string;
  previousKeys?: readonly string[];
}) {
  const present = deriveKey(encryptionKey);
  const keys = [present, ...previousKeys.map(deriveKey)];
  return { hash, hashes, erasedAt };

  /** By which the identity is remembered from now on. */
  function hash(environmentId: string, identity: Identity): string {
    return hashWith(present, environmentId, identity);
  }

  /** By which the identity may be remembered: one for each encryption key, the present one's first. */
  function hashes(environmentId: string, identity: Identity): string[] {
    return keys.map((key) => hashWith(key, environmentId, identity));
  }

  /** When the identity was last erased with suppression; null when it was not. */
  async function erasedAt(environmentId: string, identity: Identity): Promise<Date | null> {
    const [row] = await db.query<{ erasedAt: Date | null }>(FIND, [environmentId, hashes(environmentId, identity)]);
    return row?.erasedAt ?? null;
  }
}

const deriveKey = (encryptionKey: string): Buffer =>
  Buffer.from(hkdfSync("sha256", encryptionKey, "", "mortar suppression v1", 32));

function hashWith(key: Buffer, environmentId: string, { kind, value }: Identity): string {
  const text = kind === "email" ? value.trim().toLowerCase() : value;
  return createHmac("sha256", key).update(`${environmentId}\0${kind}\0${text}`).digest("base64url");
}

const FIND = {
  name: "suppression_find",
  text: `select max("erasedAt") as "erasedAt" from suppressions where "environmentId" = $1 and hash = any($2::text[])`,
};
