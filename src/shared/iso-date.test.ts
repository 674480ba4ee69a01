import { describe, expect, it } from "vitest";
import { isoDate } from "./iso-date.ts";

describe("isoDate", () => {
  it.each([
    ["2024-01-15", "2024-01-15T00:00:00.000Z"],
    ["2024-01-15T10:30:00", "2024-01-15T10:30:00.000Z"],
    ["2024-01-15T10:30:00.123Z", "2024-01-15T10:30:00.123Z"],
  ])("takes %s with and without offsets", (text, expected) => {
    expect(isoDate(text, { offsets: false })).toBe(expected);
    expect(isoDate(text, { offsets: true })).toBe(expected);
  });

  it.each([
    ["2024-01-15T10:30:00+02:00", "2024-01-15T08:30:00.000Z"],
    ["2024-01-15T10:30:00-0530", "2024-01-15T16:00:00.000Z"],
    ["2024-01-15 10:30:00.123456", "2024-01-15T10:30:00.123Z"],
    ["2024-01-15T10:30Z", "2024-01-15T10:30:00.000Z"],
    ["2024-01-15T23:30:00.5+01", "2024-01-15T22:30:00.500Z"],
  ])("takes %s only with offsets", (text, expected) => {
    expect(isoDate(text, { offsets: false })).toBeUndefined();
    expect(isoDate(text, { offsets: true })).toBe(expected);
  });

  it.each(["", "soon", "2024", "20240115", "2024-13-01", "2024-01-15T25:00:00Z", "2024-01-15T10:30:00+25:00"])(
    "does not take %j",
    (text) => {
      expect(isoDate(text, { offsets: true })).toBeUndefined();
    },
  );
});
