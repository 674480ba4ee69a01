import { describe, expect, test } from "vitest";
import { currentTag, environmentTag } from "./environment-tag.ts";

const MINUTE_MS = 60_000;
const NOW = Date.UTC(2026, 0, 1, 12, 0);
const TAG = environmentTag("hash", NOW);

describe("an entity tag of the environment state", () => {
  test("is weak and the same for ten minutes", () => {
    expect(TAG).toMatch(/^W\/"hash-[0-9a-z]+"$/);
    expect(environmentTag("hash", NOW + 10 * MINUTE_MS - 1)).toBe(TAG);
    expect(environmentTag("hash", NOW + 10 * MINUTE_MS)).not.toBe(TAG);
  });

  test("is confirmed as it was given for as long as half of the hour is left", () => {
    expect(currentTag(TAG, "hash", NOW)).toBe(TAG);
    expect(currentTag(TAG, "hash", NOW + 30 * MINUTE_MS - 1)).toBe(TAG);
    expect(currentTag(TAG, "hash", NOW + 30 * MINUTE_MS)).toBeUndefined();
  });

  test("is not confirmed after a change", () => {
    expect(currentTag(TAG, "other", NOW)).toBeUndefined();
  });

  test("is found among others, strong or weak", () => {
    expect(currentTag(`"x", ${TAG.slice(2)} ,W/"y"`, "hash", NOW)).toBe(TAG);
  });

  test.each([undefined, "", "*", '"hash"'])("is not confirmed to %j, which does not tell how old the answer is", (header) => {
    expect(currentTag(header, "hash", NOW)).toBeUndefined();
  });
});
