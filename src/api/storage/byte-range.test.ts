import { expect, it } from "vitest";
import { parseByteRange } from "./byte-range.ts";

it.each([
  [undefined, null],
  ["bytes=0-3", { start: 0, end: 3 }],
  ["bytes=4-", { start: 4, end: 9 }],
  ["bytes=4-99", { start: 4, end: 9 }],
  ["bytes=-3", { start: 7, end: 9 }],
  ["bytes=-99", { start: 0, end: 9 }],
  ["bytes=10-", "unsatisfiable"],
  ["bytes=-0", "unsatisfiable"],
  ["bytes=5-4", null],
  ["bytes=-", null],
  ["bytes=0-1,4-5", null],
  ["lines=0-1", null],
  ["bytes=99999999999999999999-", null],
])("%j of ten bytes is %j", (header, range) => {
  expect(parseByteRange(header, 10)).toEqual(range);
});

it("no part of an empty file can be had", () => {
  expect(parseByteRange("bytes=0-", 0)).toBe("unsatisfiable");
});
