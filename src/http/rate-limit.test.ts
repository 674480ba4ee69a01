import { describe, expect, it } from "vitest";
import type { Problem } from "../shared/problem.ts";
import { createRateLimiter, createRateStore, type RateBucket } from "./rate-limit.ts";

const BUCKET: RateBucket = { name: "client", limit: "client", windowMs: 60_000 };
const limits = { client: 2, environment: 9, management: 5 };

/** Runs at 00:00:30 of some minute until told otherwise. */
function makeClock() {
  let time = 1_800_000_030_000;
  const pass = (ms: number) => {
    time += ms;
  };
  return { now: () => time, pass };
}

function outcome(call: () => unknown): unknown {
  try {
    return call();
  } catch (error) {
    return (error as Problem).retryAfterSeconds;
  }
}

describe("createRateLimiter", () => {
  it("refuses one too many at once, with the seconds to the end of the minute, and forgets with the minute", () => {
    const clock = makeClock();
    const limiter = createRateLimiter({ enabled: true, limits, store: createRateStore(clock) });
    const count = (client: string) => outcome(() => limiter.count(BUCKET, client));
    expect([count("a"), count("a"), count("a"), count("b")]).toEqual([undefined, undefined, 30, undefined]);
    clock.pass(29_999);
    expect(count("a")).toBe(1);
    clock.pass(1);
    expect(count("a")).toBeUndefined();
  });

  it("takes the limit by its name or as a number, and counts each bucket by itself", () => {
    const limiter = createRateLimiter({ enabled: true, limits, store: createRateStore(makeClock()) });
    const served = (bucket: RateBucket) => {
      for (let n = 0; ; n++) if (outcome(() => limiter.count(bucket, "a")) !== undefined) return n;
    };
    expect(served(BUCKET)).toBe(2);
    expect(served({ ...BUCKET, name: "keys", limit: "management" })).toBe(5);
    expect(served({ ...BUCKET, name: "files", limit: 1 })).toBe(1);
  });

  it("passes on what a store elsewhere answers, and leaves no rejection behind that nobody awaits", async () => {
    const limiter = createRateLimiter({ enabled: true, limits, store: { count: async (_bucket, client) => Number(client) } });
    await expect(limiter.count(BUCKET, "0")).resolves.toBeUndefined();
    await expect(limiter.count(BUCKET, "1500")).rejects.toMatchObject({ kind: "rate_limited", retryAfterSeconds: 2 });
    void limiter.count(BUCKET, "1500");
    await new Promise((resume) => setTimeout(resume, 5));
  });

  it("counts nothing when it is off", () => {
    const limiter = createRateLimiter({ enabled: false, limits: { client: 0, environment: 0, management: 0 } });
    expect(limiter.count(BUCKET, "a")).toBeUndefined();
  });
});

describe("createRateStore", () => {
  it("forgets the oldest clients rather than remember any number of them", () => {
    const store = createRateStore({ ...makeClock(), maxClients: 2 });
    const bucket = { name: "client", limit: 1, windowMs: 60_000 };
    const allowed = (client: string) => store.count(bucket, client) === 0;
    expect([allowed("a"), allowed("b"), allowed("b"), allowed("c"), allowed("a"), allowed("c")]).toEqual([
      true,
      true,
      false,
      true,
      true,
      false,
    ]);
  });
});
