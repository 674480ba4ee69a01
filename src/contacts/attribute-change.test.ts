import { describe, expect, it } from "vitest";
import { applyOperators, conflictsOf, MAX_APPENDED_LENGTH, operatorsOf } from "./attribute-change.ts";

const CURRENT = { plan: "pro", seats: 3, active: true, email: "a@example.com" };
const apply = (change: Parameters<typeof applyOperators>[0]) => {
  const { submitted, conflicts } = applyOperators(change, CURRENT);
  return { submitted: Object.fromEntries(submitted), conflicts };
};

describe("applyOperators", () => {
  it("sets, sets once, unsets, adds and appends", () => {
    expect(
      apply({ set: { plan: "free" }, setOnce: { seats: 9, source: "ad" }, unset: ["active", "gone"], add: { score: 2 } }),
    ).toEqual({ submitted: { plan: "free", source: "ad", active: null, score: 2 }, conflicts: [] });
    expect(apply({ add: { seats: -1.5 }, append: { plan: "+", notes: "n" } })).toEqual({
      submitted: { seats: 1.5, plan: "pro+", notes: "n" },
      conflicts: [],
    });
  });

  it.each([
    [{ add: { plan: 1 } }, "plan", "add", "add needs a number, and the contact's value is none"],
    [{ append: { seats: "x" } }, "seats", "append", "append needs a text, and the contact's value is none"],
    [
      { append: { plan: "x".repeat(MAX_APPENDED_LENGTH) } },
      "plan",
      "append",
      `the text would be longer than ${MAX_APPENDED_LENGTH} characters`,
    ],
    [{ set: { userId: "u" } }, "userId", "set", "names the contact itself and is not an attribute"],
    [{ unset: ["id"] }, "id", "unset", "names the contact itself and is not an attribute"],
    [{ set: { email: "nobody" } }, "email", "set", "not an e-mail address"],
    [{ set: { email: 5 } }, "email", "set", "not an e-mail address"],
    [{ append: { email: "x" } }, "email", "append", "an e-mail address can only be set and unset"],
  ])("reports %j", (change, key, operator, issue) => {
    expect(apply(change)).toEqual({ submitted: {}, conflicts: [{ key, operator, issue }] });
  });

  it("reports a sum that is no number", () => {
    const { conflicts } = applyOperators({ add: { big: Number.MAX_VALUE } }, { big: Number.MAX_VALUE });
    expect(conflicts).toMatchObject([{ key: "big", issue: "the sum is beyond what a number can be" }]);
  });

  it("sets, leaves and removes the address", () => {
    expect(apply({ set: { email: "b@example.com" } }).submitted).toEqual({ email: "b@example.com" });
    expect(apply({ setOnce: { email: "b@example.com" } }).submitted).toEqual({});
    expect(apply({ unset: ["email"] }).submitted).toEqual({ email: null });
  });

  it("does not take what every object inherits for a value", () => {
    expect(apply({ setOnce: { constructor: "x" } }).submitted).toEqual({ constructor: "x" });
  });
});

it("conflictsOf names the operator of each key that a plan left out", () => {
  const operators = operatorsOf({ set: { plan: 5 }, add: { Bad: 1 }, append: { language: "x" } });
  expect(
    conflictsOf(
      [
        { kind: "type_mismatch", key: "plan", dataType: "string", value: 5 },
        { kind: "keys_refused", reason: "invalid", keys: ["Bad"] },
        { kind: "language_ignored", value: "x" },
        { kind: "key_created", key: "new", dataType: "string" },
      ],
      operators,
    ),
  ).toEqual([
    { key: "plan", operator: "set", issue: "the attribute is of type string" },
    {
      key: "Bad",
      operator: "add",
      issue: "a new key must start with a letter and have only lower-case letters, digits and underscores",
    },
    { key: "language", operator: "append", issue: "not a language" },
  ]);
});
