import { describe, expect, it } from "vitest";
import { memoizeBounded } from "./bounded-memo.ts";

describe("a bounded memo", () => {
  function counted(limits: { maxEntries: number; maxKeyLength: number }) {
    const computed: string[] = [];
    const memo = memoizeBounded((key) => {
      computed.push(key);
      return key === "none" ? null : key.length;
    }, limits);
    return { memo, computed };
  }

  it("computes each text once, also when the result is null", () => {
    const { memo, computed } = counted({ maxEntries: 10, maxKeyLength: 10 });
    expect([memo("ab"), memo("ab"), memo("none"), memo("none")]).toEqual([2, 2, null, null]);
    expect(computed).toEqual(["ab", "none"]);
  });

  it("drops what it remembered first when it is full", () => {
    const { memo, computed } = counted({ maxEntries: 2, maxKeyLength: 10 });
    for (const key of ["a", "b", "c", "b", "a"]) memo(key);
    expect(computed).toEqual(["a", "b", "c", "a"]);
  });

  it("does not remember long texts", () => {
    const { memo, computed } = counted({ maxEntries: 2, maxKeyLength: 3 });
    expect([memo("long"), memo("long")]).toEqual([4, 4]);
    expect(computed).toHaveLength(2);
  });
});
