import { timingSafeEqual } from "node:crypto";

/** Compares secrets in a time that does not tell how much of them agrees; their lengths are no secret. */
export function equalsInConstantTime(one: string, other: string): boolean {
  const [left, right] = [Buffer.from(one), Buffer.from(other)];
  return left.length === right.length && timingSafeEqual(left, right);
}
