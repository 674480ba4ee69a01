import { createHmac } from "node:crypto";
import { equalsInConstantTime } from "./constant-time.ts";

/** The signature of a user id: the hex HMAC-SHA256 of its UTF-8 bytes, the key being the secret's as it is written. */
export const signUserId = (secret: string, userId: string): string => createHmac("sha256", secret).update(userId).digest("hex");

/** Whether one of the secrets signed it. All are tried, so that the time does not tell which did. */
export function isSignatureOf(signature: string, userId: string, secrets: readonly string[]): boolean {
  const given = signature.toLowerCase();
  return secrets.map((secret) => equalsInConstantTime(given, signUserId(secret, userId))).includes(true);
}
