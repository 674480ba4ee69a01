/**
 * Entity tags of the environment state. An answer may be kept for `expiresAt`, which is part of the body, so a client
 * must not be told that an old answer is still good: its `expiresAt` would be over and it would ask again every minute.
 * The tag therefore names the content and the time at which it was handed out.
 */

const SLOT_MS = 10 * 60_000;
/** An answer is confirmed for at most this many slots after its own, so for less than 30 minutes. */
const MAX_SLOTS = 2;

/** A weak tag: answers of the same tag differ in `expiresAt`, and in their coding. */
export const environmentTag = (hash: string, now: number): string => `W/"${hash}-${slotOf(now).toString(36)}"`;

/** The tag of `If-None-Match` that still stands for what the client would be sent, if there is one. */
export function currentTag(ifNoneMatch: string | undefined, hash: string, now: number): string | undefined {
  if (ifNoneMatch === undefined) return undefined;
  const given = new Set(ifNoneMatch.split(",").map((tag) => tag.trim().replace(/^(?:W\/)?/, "W/"))); // compared weakly
  const slots = Array.from({ length: MAX_SLOTS + 1 }, (_, back) => environmentTag(hash, now - back * SLOT_MS));
  return slots.find((tag) => given.has(tag));
}

const slotOf = (now: number): number => Math.floor(now / SLOT_MS);
