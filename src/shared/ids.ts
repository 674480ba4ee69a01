import { randomFillSync } from "node:crypto";

const ALPHABET = "0123456789abcdefghijklmnopqrstuvwxyz";
const RANDOM_LENGTH = 12;

const pool = Buffer.alloc(4096);
let poolOffset = pool.length;
let lastMs = 0;
let counter = 0;

/**
 * A new row id in the shape of Prisma's `cuid()`: 25 characters, `c` and lower-case alphanumerics, so that the
 * id checks of every client generation pass. Ids of one process are strictly increasing and ids of all processes
 * are ordered by time (ms), so that B-tree inserts stay at the right edge: `c` + 8 time + 4 counter + 12 random.
 */
export function newId(): string {
  const now = Date.now();
  if (now > lastMs) {
    lastMs = now;
    counter = 0;
  } else if (++counter >= 36 ** 4) {
    lastMs++; // the clock stands still or went back: go on from the last time used
    counter = 0;
  }
  return `c${lastMs.toString(36).padStart(8, "0")}${counter.toString(36).padStart(4, "0")}${randomText(RANDOM_LENGTH)}`;
}

/** Random lower-case alphanumerics, drawn without bias (bytes of 252 and above are thrown away: 252 = 7 × 36). */
function randomText(length: number): string {
  let text = "";
  while (text.length < length) {
    if (poolOffset === pool.length) {
      randomFillSync(pool);
      poolOffset = 0;
    }
    const byte = pool[poolOffset++] ?? 255;
    if (byte < 252) text += ALPHABET[byte % 36];
  }
  return text;
}

/** The shape every id of a path or body must have; the published contracts call it "cuid2". */
export const ID_PATTERN = /^[0-9a-z]+$/;
