import { describe, expect, it } from "vitest";
import { RETRY_DELAYS_MS, retryDelayMs } from "./schedule.ts";

describe("retryDelayMs", () => {
  it("is 5 s, 5 min, 30 min, 2 h, 5 h, 10 h, 10 h, and then nothing", () => {
    const minutes = [1, 2, 3, 4, 5, 6, 7].map((attempts) => (retryDelayMs(attempts, 0.5) ?? 0) / 60_000);
    expect(minutes).toEqual([5 / 60, 5, 30, 120, 300, 600, 600]);
    expect(retryDelayMs(8, 0.5)).toBeNull();
    expect(retryDelayMs(9, 0.5)).toBeNull();
  });

  it("varies by a fifth either way", () => {
    for (const [at, delayMs] of RETRY_DELAYS_MS.entries()) {
      expect(retryDelayMs(at + 1, 0)).toBe(delayMs * 0.8);
      expect(retryDelayMs(at + 1, 0.999_999)).toBeCloseTo(delayMs * 1.2, -4);
    }
  });
});
