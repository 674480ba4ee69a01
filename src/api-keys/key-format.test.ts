import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { generateKey, isModernKey, keyLookup } from "./key-format.ts";

const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");

describe("keyLookup", () => {
  it("hashes what follows the prefix of a modern key", () => {
    expect(keyLookup("fbk_abc-DEF_123")).toEqual({ lookupHash: sha256("abc-DEF_123"), isLegacy: false });
  });

  it.each(["0123456789abcdef0123456789abcdef", "fbk_", "fbk_bad key!", "FBK_abc", " fbk_abc", ""])(
    "takes %j for a legacy key and hashes the whole text",
    (key) => {
      expect(keyLookup(key)).toEqual({ lookupHash: sha256(key), isLegacy: true });
    },
  );

  it("tells a legacy text from the modern key whose secret has the same hash", () => {
    const modern = keyLookup("fbk_abc");
    const legacy = keyLookup("abc");
    expect(legacy.lookupHash).toBe(modern.lookupHash);
    expect(legacy.isLegacy).not.toBe(modern.isLegacy);
  });
});

describe("generateKey", () => {
  it("makes modern keys of 47 characters, never the same twice", () => {
    const keys = Array.from({ length: 50 }, generateKey);
    expect(new Set(keys).size).toBe(50);
    for (const key of keys) {
      expect(key).toHaveLength(47);
      expect(isModernKey(key)).toBe(true);
    }
  });
});
