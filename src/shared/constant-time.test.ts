import { expect, it } from "vitest";
import { equalsInConstantTime } from "./constant-time.ts";

it.each([
  ["abc", "abc", true],
  ["abc", "abd", false],
  ["abc", "abcd", false],
  ["", "", true],
  ["ä", "a", false],
])("%j equals %j: %j", (one, other, expected) => {
  expect(equalsInConstantTime(one, other)).toBe(expected);
});
