import { createCipheriv, createDecipheriv, createHash, hkdfSync, randomBytes } from "node:crypto";

/** Encrypts small secrets at rest (AES-256-GCM). A box names its key, so that keys can be rotated. */
export interface SecretBox {
  seal(secret: string): string;
  /** Throws when the text was sealed with a key that the box does not have, or was altered. */
  open(sealed: string): string;
  /** What everything begins with that is sealed with the key that seals now. */
  readonly prefix: string;
}

/**
 * @param encryptionKey any text of at least 32 characters; the AES key is derived from it with HKDF-SHA256
 * @param previousKeys keys of former times, which open and do not seal
 */
export function createSecretBox(encryptionKey: string, previousKeys: readonly string[] = []): SecretBox {
  const present = deriveKey(encryptionKey);
  const keys = new Map([...previousKeys.map(deriveKey), present].map(({ id, key }) => [id, key]));
  const prefix = `v1.${present.id}.`;
  return { seal, open, prefix };

  function seal(secret: string): string {
    const nonce = randomBytes(12);
    const cipher = createCipheriv("aes-256-gcm", present.key, nonce);
    const body = Buffer.concat([cipher.update(secret, "utf8"), cipher.final()]);
    return `${prefix}${Buffer.concat([nonce, cipher.getAuthTag(), body]).toString("base64url")}`;
  }

  function open(sealed: string): string {
    const [version, id = "", payload] = sealed.split(".");
    const key = keys.get(id);
    if (version !== "v1" || key === undefined || payload === undefined)
      throw new Error("the secret was sealed with another encryption key");
    const bytes = Buffer.from(payload, "base64url");
    const decipher = createDecipheriv("aes-256-gcm", key, bytes.subarray(0, 12));
    decipher.setAuthTag(bytes.subarray(12, 28));
    return decipher.update(bytes.subarray(28), undefined, "utf8") + decipher.final("utf8");
  }
}

function deriveKey(encryptionKey: string): { id: string; key: Buffer } {
  const key = Buffer.from(hkdfSync("sha256", encryptionKey, "", "mortar secret box v1", 32));
  return { id: createHash("sha256").update(key).digest("hex").slice(0, 8), key };
}
