import { describe, expect, it } from "vitest";
import { inferTextDataType, parseAttributeText } from "./attribute-text.ts";

describe("parseAttributeText", () => {
  it.each([
    ["pro", "string", "pro"],
    ["41", "string", "41"],
    ["41", "number", 41],
    [" -1.5e3 ", "number", -1500],
    ["0x10", "number", undefined],
    ["", "number", undefined],
    ["1e999", "number", undefined],
    ["2024-01-01", "date", "2024-01-01T00:00:00.000Z"],
    ["soon", "date", undefined],
    ["true", "boolean", true],
    ["yes", "boolean", undefined],
  ] as const)("takes %j as %s for %j", (text, dataType, value) => {
    expect(parseAttributeText(text, dataType)).toBe(value);
  });
});

describe("inferTextDataType", () => {
  it.each([
    [["", "5", "6.5"], "number"],
    [["2024-01-01", "2024-01-02T03:04:05Z"], "date"],
    [["5", "2024-01-01"], "string"],
    [["5", "five"], "string"],
    [["true"], "string"],
    [["", " "], "string"],
    [[], "string"],
  ] as const)("of %j is %s", (texts, dataType) => {
    expect(inferTextDataType(texts)).toBe(dataType);
  });
});
