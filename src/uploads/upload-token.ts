/**
 * The permission to upload one file to this server: `v1.<payload>.<signature>`, both base64url, signed with
 * HMAC-SHA256 under a key derived from the encryption key. Private to the server. As a file is written once, a token
 * serves once.
 */
import { createHmac, hkdfSync } from "node:crypto";
import { z } from "zod";
import { equalsInConstantTime } from "../shared/constant-time.ts";

/** Longer texts are no tokens of ours and are not looked at. */
const MAX_TOKEN_LENGTH = 4_096;

const UploadPermit = z.object({
  environmentId: z.string(),
  key: z.string(),
  contentType: z.string(),
  /** Of the file, in bytes. */
  maxBytes: z.number(),
  /** In milliseconds. */
  expiresAt: z.number(),
});
export type UploadPermit = z.output<typeof UploadPermit>;

export type UploadTokens = ReturnType<typeof createUploadTokens>;

/** @param now the time in ms */
export function createUploadTokens({ encryptionKey, now }: { encryptionKey: string; now: () => number }) {
  const key = Buffer.from(hkdfSync("sha256", encryptionKey, "", "mortar upload tokens v1", 32));
  return { issue, read };

  function issue(permit: UploadPermit): string {
    const body = `v1.${Buffer.from(JSON.stringify(permit)).toString("base64url")}`;
    return `${body}.${sign(body)}`;
  }

  /** Null unless the token is one of ours for this environment and has not expired. */
  function read(token: string, environmentId: string): UploadPermit | null {
    if (token.length > MAX_TOKEN_LENGTH) return null;
    const end = token.lastIndexOf(".");
    const body = token.slice(0, Math.max(end, 0));
    if (!body.startsWith("v1.") || !equalsInConstantTime(token.slice(end + 1), sign(body))) return null;
    const permit = UploadPermit.parse(JSON.parse(Buffer.from(body.slice("v1.".length), "base64url").toString("utf8")));
    return permit.environmentId === environmentId && permit.expiresAt > now() ? permit : null;
  }

  function sign(body: string): string {
    return createHmac("sha256", key).update(body).digest("base64url");
  }
}
