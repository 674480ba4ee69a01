import { describe, expect, test } from "vitest";
import type { AttributeDataType, AttributeValue } from "../shared/attributes.ts";
import { type AttributeRules, planAttributes } from "./attribute-plan.ts";

const rules: AttributeRules = {
  booleanKeysAre: "string",
  judgeNewKey: (key) => (key === "user_id" ? "reserved" : /^[a-z][a-z0-9_]*$/.test(key) ? "allowed" : "invalid"),
};

function plan(attributes: Record<string, AttributeValue | null>, keys: Record<string, AttributeDataType> = {}, own = rules) {
  return planAttributes(new Map(Object.entries(attributes)), {
    attributeKeys: new Map(Object.entries(keys)),
    languages: [
      { code: "de-DE", alias: "german" },
      { code: "xx-weird", alias: null },
    ],
    rules: own,
  });
}

describe("a key that exists", () => {
  test.each<[AttributeDataType, AttributeValue, AttributeValue | undefined]>([
    ["string", "pro", "pro"],
    ["string", "", ""],
    ["string", true, "true"],
    ["string", 5, undefined],
    ["number", 5, 5],
    ["number", -1.5, -1.5],
    ["number", "5", undefined],
    ["number", false, undefined],
    ["date", "2024-02-02", "2024-02-02T00:00:00.000Z"],
    ["date", "2024-02-02T03:04:05Z", "2024-02-02T03:04:05.000Z"],
    ["date", "2024-02-02T03:04:05", "2024-02-02T03:04:05.000Z"],
    ["date", " 2024-02-02T03:04:05.678Z ", "2024-02-02T03:04:05.678Z"],
    ["date", "2024-02-02T03:04:05+02:00", undefined],
    ["date", "2024-13-01", undefined],
    ["date", "yesterday", undefined],
    ["date", 1_700_000_000_000, undefined],
    ["boolean", true, true],
    ["boolean", "false", false],
    ["boolean", "yes", undefined],
  ])("of type %s takes %j as %j", (dataType, value, stored) => {
    const { patch, notes } = plan({ trait: value }, { trait: dataType });
    if (stored === undefined) {
      expect(patch).toEqual({});
      expect(notes).toEqual([{ kind: "type_mismatch", key: "trait", dataType, value }]);
    } else {
      expect(patch).toEqual({ trait: stored });
      expect(notes).toEqual([]);
    }
  });

  test("is removed by null whatever its type", () => {
    expect(plan({ trait: null }, { trait: "number" }).patch).toEqual({ trait: null });
  });

  test("is written whatever its spelling", () => {
    expect(plan({ firstName: "Ada" }, { firstName: "string" }).patch).toEqual({ firstName: "Ada" });
  });
});

describe("a new key", () => {
  test.each<[AttributeValue, AttributeDataType]>([
    [7, "number"],
    ["7", "string"],
    ["2024-05-06T07:08:09.000Z", "date"],
    ["1990-01-02", "date"],
    ["2024-05-06T07:08:09+02:00", "string"],
    [true, "string"],
    ["", "string"],
  ])("that appears with %j has type %s", (value, dataType) => {
    const { newKeys, notes } = plan({ trait: value });
    expect(newKeys).toEqual([{ key: "trait", dataType }]);
    expect(notes).toEqual([{ kind: "key_created", key: "trait", dataType }]);
  });

  test("is boolean where the contract knows booleans", () => {
    const { newKeys, patch } = plan({ admin: true }, {}, { ...rules, booleanKeysAre: "boolean" });
    expect(newKeys).toEqual([{ key: "admin", dataType: "boolean" }]);
    expect(patch).toEqual({ admin: true });
  });

  test("is not created by null", () => {
    expect(plan({ trait: null })).toMatchObject({ newKeys: [], patch: {}, notes: [] });
  });

  test("with a forbidden name is refused, all of them in one note", () => {
    const { newKeys, patch, notes } = plan({ "Bad Key": 1, user_id: "x", "1abc": "y", __proto_: "z" });
    expect(newKeys).toEqual([]);
    expect(patch).toEqual({});
    expect(notes).toEqual([
      { kind: "keys_refused", reason: "invalid", keys: ["Bad Key", "1abc", "__proto_"] },
      { kind: "keys_refused", reason: "reserved", keys: ["user_id"] },
    ]);
  });
});

test("userId and id are never attributes", () => {
  expect(plan({ userId: "x", id: "y" }, { userId: "string", id: "string" })).toMatchObject({ patch: {}, newKeys: [] });
});

test("email is kept apart, and null removes it", () => {
  expect(plan({ email: "a@b.co" }).email).toBe("a@b.co");
  expect(plan({ email: null }).email).toBeNull();
  expect(plan({}).email).toBeUndefined();
});

describe("language", () => {
  const keys = { language: "string" } as const;
  test.each([
    ["de", "de-DE"],
    ["DE_de", "de-DE"],
    ["GERMAN", "german"],
    ["XX-WEIRD", "xx-weird"],
  ])("%j is stored as %j", (given, stored) => {
    expect(plan({ language: given }, keys).patch).toEqual({ language: stored });
  });

  test("that is blank is dropped silently", () => {
    expect(plan({ language: "  " }, keys)).toMatchObject({ patch: {}, notes: [] });
  });

  test("that is unknown is dropped with a note, and other attributes go on", () => {
    expect(plan({ language: "??", plan: "pro" }, { ...keys, plan: "string" })).toMatchObject({
      patch: { plan: "pro" },
      notes: [{ kind: "language_ignored", value: "??" }],
    });
  });

  test("is removed by null", () => {
    expect(plan({ language: null }, keys).patch).toEqual({ language: null });
  });
});
