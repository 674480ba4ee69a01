import { describe, expect, it } from "vitest";
import { createPatternMatcher } from "./safe-pattern.ts";

describe("a pattern matcher", () => {
  const matches = createPatternMatcher({ timeLimitMs: 50 });

  it.each([
    ["^\\d{5}$", "", "12345", true],
    ["^\\d{5}$", "", "1234", false],
    ["^abc$", "i", "ABC", true],
    ["^abc$", "", "ABC", false],
    ["(", "", "anything", true],
    ["a", "nonsense", "b", true],
    ["a".repeat(513), "", "a".repeat(600), false],
    ["a", "", "a".repeat(4097), false],
    ["^a+$", "", "a".repeat(4096), true],
  ])("tests /%s/%s", (pattern, flags, value, expected) => {
    expect(matches(pattern, flags, value)).toBe(expected);
  });

  it("gives up on a pattern that backtracks without end, lets the answer pass, and does not run it again", () => {
    const startedAt = performance.now();
    expect(matches("^(a+)+$", "", `${"a".repeat(60)}b`)).toBe(true);
    const firstMs = performance.now() - startedAt;
    expect(firstMs).toBeLessThan(1000);
    for (let run = 0; run < 100; run++) expect(matches("^(a+)+$", "", `${"a".repeat(60)}b`)).toBe(true);
    expect(performance.now() - startedAt - firstMs).toBeLessThan(1000);
  });

  it("still tests other patterns after that", () => {
    expect(matches("^b$", "", "a")).toBe(false);
  });
});
