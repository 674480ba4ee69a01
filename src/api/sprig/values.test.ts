import { describe, expect, it } from "vitest";
import { fitAttributes, readAttributes, readEvents, readId, readPerson, readPurge } from "./values.ts";

const NOW = Date.parse("2026-01-01T00:00:00Z");

describe("readId", () => {
  it("keeps a text as it is and makes one of a number", () => {
    expect([readId(" a ", "userId"), readId(7, "userId"), readId(0, "userId")]).toEqual([" a ", "7", "0"]);
  });
});

describe("readPerson", () => {
  it("takes the address from emailAddress, then email, then the attributes", () => {
    const attributes = { email: "c@x.io" };
    const addressOf = (body: object) => readPerson({ ...body }).get("email");
    expect(addressOf({ emailAddress: " a@x.io ", email: "b@x.io", attributes })).toBe("a@x.io");
    expect(addressOf({ emailAddress: null, email: "b@x.io", attributes })).toBe("b@x.io");
    expect(addressOf({ emailAddress: " ", attributes })).toBe("c@x.io");
    expect(addressOf({})).toBeUndefined();
  });

  it.each(["a", "a@b", "a@b@c.d", "a b@c.d", "@c.d", "a@.d", "a@c.", "a@c..d", `${"a".repeat(255)}@c.d`])(
    "refuses %s",
    (email) => {
      expect(() => readPerson({ emailAddress: email })).toThrow("emailAddress must be a valid email address");
    },
  );
});

describe("readAttributes", () => {
  it("flattens objects, keeps lists as JSON and leaves null out", () => {
    const given = { a: { b: { c: 1 }, "d.e": true }, f: [1, { g: null }], h: null, i: "", j: {} };
    expect(Object.fromEntries(readAttributes(given))).toEqual({ "a.b.c": 1, "a.d.e": true, f: '[1,{"g":null}]', i: "" });
  });

  it("counts every value, null and nested ones too", () => {
    const nested = (count: number) => ({ a: Object.fromEntries(Array.from({ length: count }, (_, n) => [n, n % 2 ? null : n])) });
    expect(readAttributes(nested(100)).size).toBe(50);
    expect(() => readAttributes(nested(101))).toThrow("more than 100");
  });

  it("refuses what is nested without end, and takes a name that JavaScript treats specially", () => {
    const deep: unknown = JSON.parse(`${'{"a":'.repeat(60)}1${"}".repeat(60)}`);
    expect(() => readAttributes(deep)).toThrow("nested too deeply");
    expect([...readAttributes(JSON.parse('{"__proto__":{"x":1},"constructor":2}'))]).toEqual([
      ["__proto__.x", 1],
      ["constructor", 2],
    ]);
  });
});

describe("fitAttributes", () => {
  it("leaves out new keys that a user has no room for, not those known nor the address", () => {
    const stored = Object.fromEntries(Array.from({ length: 499 }, (_, n) => [`k${n}`, n]));
    const { attributes, left } = fitAttributes(
      new Map<string, string | number>([
        ["a", 1],
        ["b", 2],
        ["k0", 3],
        ["email", "a@x.io"],
      ]),
      stored,
    );
    expect([[...attributes.keys()], left]).toEqual([["a", "k0", "email"], ["b"]]);
  });
});

describe("readEvents", () => {
  it("reads milliseconds and ISO 8601 as the same instant, and now where there is none", () => {
    const events = [{ event: "A", timestamp: NOW - 1 }, { event: "A", timestamp: "2025-12-31T23:59:59.999Z" }, { event: "B" }];
    const past = { name: "A", occurredAt: NOW - 1, instant: String(NOW - 1) };
    expect(readEvents(events, NOW)).toEqual([past, past, { name: "B", occurredAt: NOW, instant: null }]);
  });

  it("takes a clock that is a day ahead, not more", () => {
    const day = 24 * 60 * 60_000;
    expect(readEvents([{ event: "A", timestamp: NOW + day }], NOW)).toHaveLength(1);
    expect(() => readEvents([{ event: "A", timestamp: NOW + day + 1 }], NOW)).toThrow("24 hours");
  });

  it("refuses times that no database can hold", () => {
    for (const timestamp of [1e300, -1e15, 8.64e15 + 1])
      expect(() => readEvents([{ event: "A", timestamp }], NOW)).toThrow("events[0].timestamp");
  });
});

describe("readPurge", () => {
  it("joins userIds and their other name, numbers as text, without blanks", () => {
    expect(readPurge({ userIds: ["a", 7, null, ""], externalUserIds: ["b"], emails: [" a@x.io "], delaySeconds: 0 })).toEqual({
      userIds: ["a", "7", "b"],
      emails: ["a@x.io"],
      visitorIds: [],
      delaySeconds: 0,
    });
  });
});
