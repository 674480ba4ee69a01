import { describe, expect, it } from "vitest";
import { BadRow, nameRow, parseTime, readSourceRow, toStorableJson } from "./source-row.ts";

describe("parseTime", () => {
  it.each([
    ["2025-01-31T10:00:00.000", "2025-01-31T10:00:00.000Z"],
    ["2025-01-31 10:00:00", "2025-01-31T10:00:00.000Z"],
    ["2025-01-31 10:00:00.123456", "2025-01-31T10:00:00.123Z"],
    ["2025-01-31 10:00:00+00", "2025-01-31T10:00:00.000Z"],
    ["2025-01-31T10:00:00+02:30", "2025-01-31T07:30:00.000Z"],
    ["2025-01-31T10:00:00-0230", "2025-01-31T12:30:00.000Z"],
    ["2024-02-29T00:00:00Z", "2024-02-29T00:00:00.000Z"],
  ])("reads %s as UTC", (text, expected) => expect(parseTime(text)).toBe(expected));

  it.each(["", "2025-02-29T00:00:00Z", "2025-13-01T00:00:00Z", "2025-01-31", "yesterday", "2025-01-31T25:00:00Z"])(
    "refuses %j",
    (text) => expect(parseTime(text)).toBeNull(),
  );
});

describe("readSourceRow", () => {
  const row = readSourceRow({ id: "a", n: 1.5, empty: "", long: "x".repeat(300), list: ["a", 1], day: "2025-02-30T00:00:00Z" });

  it.each([
    ["column gone is missing", () => row.text("gone")],
    ["column empty is empty", () => row.id("empty")],
    ["column long is longer than 255 bytes", () => row.id("long")],
    ["column n is not an integer", () => row.integer("n")],
    ["column n is not text", () => row.text("n")],
    ["column n is not a boolean", () => row.boolean("n")],
    ["column id is none of x, y", () => row.oneOf("id", ["x", "y"])],
    ["column id is not an object", () => row.object("id")],
    ["column id is not an array", () => row.array("id")],
    ["column list holds something that is not text", () => row.texts("list")],
    ["column day is not a time", () => row.time("day")],
  ])("refuses: %s", (message, read) => expect(read).toThrow(new BadRow(message)));

  it("refuses what is not an object", () => expect(() => readSourceRow([1])).toThrow("the row is not an object"));

  it("does not take what every object inherits for a column", () =>
    expect(() => row.text("toString")).toThrow("column toString is missing"));
});

describe("toStorableJson", () => {
  it.each(["a\u0000b", "\ud800", { deep: ["\udc00"] }, { "key\u0000": 1 }])("names the column that holds %j", (value) =>
    expect(() => toStorableJson({ fine: "\\u0000", data: value })).toThrow("column data holds a NUL or an unpaired surrogate"),
  );

  it("lets whole pairs, and text that only looks like an escape, pass", () => {
    const row = { data: "\u{1f600}", text: "\\u0000 \\\\ud800" };
    expect(JSON.parse(toStorableJson(row))).toEqual(row);
  });

  it("refuses what is nested too deeply to be written", () => {
    let value: unknown = 1;
    for (let depth = 0; depth < 100_000; depth++) value = [value];
    expect(() => toStorableJson({ value })).toThrow(BadRow);
  });
});

describe("nameRow", () => {
  it.each([
    [{ id: "a", surveyId: "b" }, "a"],
    [{ surveyId: "b", tagId: "c" }, "b/c"],
    [{ name: "x" }, "row 7 of the source"],
    [null, "row 7 of the source"],
  ])("names %j %s", (row, name) => expect(nameRow(row, 7)).toBe(name));
});
