import { describe, expect, it } from "vitest";
import type { CountAddition, WindowCount } from "../shared/shared-counts.ts";
import { createSharedRateStore } from "./shared-rate-store.ts";

const BUCKET = { name: "client", limit: 3, windowMs: 60_000 };

/** Counts in memory, as several servers would see it; every question is kept. */
function makeCounts({ others = 0, answer = async (windows: WindowCount[]) => windows } = {}) {
  const totals = new Map<string, number>();
  const questions: CountAddition[][] = [];
  return { questions, add };

  function add(additions: readonly CountAddition[]): Promise<WindowCount[]> {
    questions.push([...additions]);
    const windows = additions.map(({ key, requests }) => {
      const total = (totals.get(key) ?? others) + requests;
      totals.set(key, total);
      return { total, leftMs: 20_000 };
    });
    return answer(windows);
  }
}

describe("createSharedRateStore", () => {
  it("asks once for all that arrive together and refuses just those beyond the limit, in the order they came", async () => {
    const counts = makeCounts({ others: 1 });
    const store = createSharedRateStore({ counts });
    const waits = await Promise.all(["a", "a", "b", "a", "a"].map((client) => store.count(BUCKET, client)));
    expect(waits).toEqual([0, 0, 0, 20_000, 20_000]);
    expect(counts.questions.map((additions) => additions.map(({ requests }) => requests))).toEqual([[4, 1]]);
    const keys = counts.questions.flat().map(({ key }) => key);
    expect(keys.map((key) => key.length)).toEqual(keys.map(() => "client ".length + 22)); // a digest, not an address
  });

  it("does not ask again for a client that is known to be over its limit until its window ends", async () => {
    let time = 0;
    const counts = makeCounts({ others: 3 });
    const store = createSharedRateStore({ counts, now: () => time });
    expect(await store.count(BUCKET, "a")).toBe(20_000);
    time = 19_000;
    expect(store.count(BUCKET, "a")).toBe(1_000);
    expect(counts.questions).toHaveLength(1);
    time = 20_000;
    await store.count(BUCKET, "a");
    expect(counts.questions).toHaveLength(2);
  });

  it.each<[string, () => Promise<WindowCount[]>]>([
    ["fails", () => Promise.reject(new Error("away"))],
    ["does not answer", () => new Promise(() => undefined)],
  ])("serves and tells the number of requests while the store %s, and asks again after a pause", async (_title, answer) => {
    let time = 0;
    const counts = makeCounts({ others: 3, answer });
    const store = createSharedRateStore({ counts, now: () => time });
    expect(await store.count(BUCKET, "a")).toBe(0);
    expect(await store.count(BUCKET, "a")).toBe(0);
    expect([counts.questions.length, store.uncounted()]).toEqual([1, 2]);
    time = 1_000;
    expect(await store.count(BUCKET, "a")).toBe(0);
    expect(store.uncounted()).toBe(3);
  });
});
