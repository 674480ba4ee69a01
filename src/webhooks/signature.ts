import { createHmac } from "node:crypto";

const PREFIX = "whsec_";

/** What is signed: the exact bytes that are sent, with the message's id and the time of the attempt in Unix seconds. */
export interface SignedMessage {
  id: string;
  timestamp: number;
  body: string;
}

/**
 * The value of the header `webhook-signature` by Standard Webhooks: one signature per secret, blank-separated, so that a
 * receiver that knows any one of them accepts the message. Source: webhooks §5.
 */
export function signMessage({ id, timestamp, body }: SignedMessage, secrets: readonly string[]): string {
  return secrets
    .map((secret) => {
      const key = Buffer.from(secret.startsWith(PREFIX) ? secret.slice(PREFIX.length) : secret, "base64");
      return `v1,${createHmac("sha256", key).update(`${id}.${timestamp}.${body}`).digest("base64")}`;
    })
    .join(" ");
}
