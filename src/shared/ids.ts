import { randomFillSync } from "node:crypto";

const ALPHABET = "0123456789abcdefghijklmnopqrstuvwxyz";
const RANDOM_LENGTH = 12;

const pool = Buffer.alloc(4096);
let poolOffset = pool.length;
let lastMs = 0;
/** `c` and the time, of `lastMs`. */
let prefix = "";
let counter = 0;

/**
 * A new row id in the shape of Prisma's `cuid()`: 25 characters, `c` and lower-case alphanumerics, so that the
 * id checks of every client generation pass. Ids of one process are strictly increasing and ids of all processes
 * are ordered by time (ms), so that B-tree inserts stay at the right edge: `c` + 8 time + 4 counter + 12 random.
 */
export function newId(): string {
  const now = Date.now();
  if (now > lastMs) startAt(now);
  else if (++counter >= 36 ** 4) startAt(lastMs + 1); // the clock stands still or went back: go on from the last time used
  return `${prefix}${pair(Math.floor(counter / 1296))}${pair(counter % 1296)}${randomText(RANDOM_LENGTH)}`;
}

function startAt(time: number): void {
  lastMs = time;
  prefix = `c${time.toString(36).padStart(8, "0")}`;
  counter = 0;
}

/** Two digits of base 36. */
const pair = (number: number): string => `${ALPHABET[Math.floor(number / 36)]}${ALPHABET[number % 36]}`;

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
