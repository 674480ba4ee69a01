import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isoDate, isoTime } from "./iso-date.ts";

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

  it("takes every time as it is written itself, and nothing that is none", () => {
    const time = fc.date({ min: new Date("0000-01-01"), max: new Date("9999-12-31"), noInvalidDate: true });
    const digits = fc
      .tuple(fc.integer({ min: 0, max: 99 }), fc.integer({ min: 0, max: 99 }), fc.integer({ min: 0, max: 99 }))
      .map((pairs) => pairs.map((pair) => String(pair).padStart(2, "0")))
      .map(([month, day, hour]) => `2024-${month}-${day}T${hour}:30:00.000Z`);
    fc.assert(fc.property(time, (date) => isoDate(date.toISOString(), { offsets: false }) === date.toISOString()));
    fc.assert(
      fc.property(digits, (text) => {
        const parsed = new Date(text);
        expect(isoDate(text, { offsets: false })).toBe(Number.isNaN(parsed.getTime()) ? undefined : parsed.toISOString());
      }),
    );
  });

  it.each(["", "soon", "2024", "20240115", "2024-13-01", "2024-01-15T25:00:00Z", "2024-01-15T10:30:00+25:00"])(
    "does not take %j",
    (text) => {
      expect(isoDate(text, { offsets: true })).toBeUndefined();
    },
  );
});

describe("isoTime", () => {
  it("writes every time as Date does", () => {
    fc.assert(
      fc.property(fc.date({ noInvalidDate: true }), (date) => {
        expect(isoTime(date.getTime())).toBe(date.toISOString());
      }),
    );
  });
});
