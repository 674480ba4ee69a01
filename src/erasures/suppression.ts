/** Identities that were erased are remembered as keyed hashes, so that late events do not bring them back. */
import { createHmac, hkdfSync } from "node:crypto";
import type { Database } from "../db/database.ts";

export type Suppression = ReturnType<typeof createSuppression>;

/** What a person is known by. */
export interface Identity {
  kind: "userId" | "email";
  value: string;
}

/** @param encryptionKey of the installation: without it nobody can tell whose hash a row is by trying likely ids */
export function createSuppression({ db, encryptionKey }: { db: Database; encryptionKey: string }) {
  const key = Buffer.from(hkdfSync("sha256", encryptionKey, "", "mortar suppression v1", 32));
  return { hash, erasedAt };

  function hash(environmentId: string, { kind, value }: Identity): string {
    const text = kind === "email" ? value.trim().toLowerCase() : value;
    return createHmac("sha256", key).update(`${environmentId}\0${kind}\0${text}`).digest("base64url");
  }

  /** When the identity was last erased with suppression; null when it was not. */
  async function erasedAt(environmentId: string, identity: Identity): Promise<Date | null> {
    const [row] = await db.query<{ erasedAt: Date }>(FIND, [environmentId, hash(environmentId, identity)]);
    return row?.erasedAt ?? null;
  }
}

const FIND = {
  name: "suppression_find",
  text: `select "erasedAt" from suppressions where "environmentId" = $1 and hash = $2`,
};
