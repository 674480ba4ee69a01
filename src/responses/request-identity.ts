/** By what a request that is sent again is known. Why it is so: src/decisions/0010. */
import { createHash } from "node:crypto";
import type { TimesToCompletion } from "./response-values.ts";

/** A digest of a request's content: equal for equal JSON, whatever the request's other circumstances. */
export const hashContent = (...content: unknown[]): string =>
  createHash("sha256").update(JSON.stringify(content)).digest("base64url");

/** Who sent a request, as far as a server can see. */
export interface Sender {
  /** The client's own name for the request. */
  idempotencyKey: string | null;
  ipAddress: string;
  userAgent: string | undefined;
}

/**
 * The key under which a new response is stored only once: the client's own or, for a response that no display
 * identifies, its content, if that has a time measured in fractions of a millisecond. Null when nothing tells the
 * request from another person's equal answer.
 */
export function requestKey({
  sender: { idempotencyKey, ipAddress, userAgent },
  displayId,
  ttc,
  contentHash,
}: {
  sender: Sender;
  displayId: string | null;
  ttc: TimesToCompletion | undefined;
  contentHash: string;
}): string | null {
  if (idempotencyKey !== null) return `key:${idempotencyKey}`;
  if (displayId !== null || !Object.values(ttc ?? {}).some((ms) => !Number.isInteger(ms))) return null;
  return `content:${hashContent(contentHash, ipAddress, userAgent ?? null)}`;
}
