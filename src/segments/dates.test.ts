import { expect, test } from "vitest";
import { dateText, parseDate, subtractPeriod } from "./dates.ts";

test.each([
  ["2026-03-31T12:30:00.000Z", { amount: 1, unit: "months" }, "2026-02-28T12:30:00.000Z"],
  ["2024-03-31T00:00:00.000Z", { amount: 1, unit: "months" }, "2024-02-29T00:00:00.000Z"],
  ["2026-01-15T00:00:00.000Z", { amount: 13, unit: "months" }, "2024-12-15T00:00:00.000Z"],
  ["2024-02-29T00:00:00.000Z", { amount: 1, unit: "years" }, "2023-02-28T00:00:00.000Z"],
  ["2026-03-15T00:00:00.000Z", { amount: 2, unit: "weeks" }, "2026-03-01T00:00:00.000Z"],
  ["2026-03-15T00:00:00.000Z", { amount: 15, unit: "days" }, "2026-02-28T00:00:00.000Z"],
] as const)("%s minus %o is %s.", (now, period, expected) => {
  expect(dateText(subtractPeriod(Date.parse(now), period))).toBe(expected);
});

test.each([
  ["2026-01-31", "2026-01-31T00:00:00.000Z"],
  ["2026-01-31T10:00", "2026-01-31T10:00:00.000Z"],
  [" 2026-01-31 10:00:00 ", "2026-01-31T10:00:00.000Z"],
  ["2026-01-31T10:00:00.5Z", "2026-01-31T10:00:00.500Z"],
  ["2026-01-31T10:00:00+02:00", "2026-01-31T08:00:00.000Z"],
  ["2024-02-29", "2024-02-29T00:00:00.000Z"],
])("%s means %s.", (text, expected) => {
  expect(dateText(parseDate(text) ?? Number.NaN)).toBe(expected);
});

test.each(["", "soon", "2026", "2026-02-29", "2026-13-01", "2026-00-01", "2026-01-31T25:00", "1767225600000"])(
  "%s is no date.",
  (text) => {
    expect(parseDate(text)).toBeNull();
  },
);

test("Instants outside the years of four digits sort before and after all stored dates.", () => {
  const dates = [
    subtractPeriod(0, { amount: 1e9, unit: "years" }),
    Date.UTC(-1, 0, 1),
    Date.parse("0000-01-01"),
    0,
    Date.UTC(10_000, 0, 1),
  ];
  const texts = dates.map(dateText);
  expect(texts).toEqual(["", "", "0000-01-01T00:00:00.000Z", "1970-01-01T00:00:00.000Z", "~"]);
  expect(texts.toSorted()).toEqual(texts);
});
