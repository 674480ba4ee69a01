import { describe, expect, it } from "vitest";
import { createRemoteStore } from "./cluster-counting.ts";
import type { CountRequest } from "./cluster-messages.ts";

const bucket = { name: "client", limit: 2, windowMs: 60_000 };

describe("createRemoteStore", () => {
  it("asks for what is counted in one turn with one message, and gives each request its own answer", async () => {
    const asked: CountRequest[][] = [];
    const { store, settle } = createRemoteStore((batch, requests) => {
      asked.push(requests);
      settle(
        batch,
        requests.map(({ client }) => Number(client)),
      );
    });
    const waits = await Promise.all(["0", "700", "0"].map((client) => store.count(bucket, client)));
    expect(waits).toEqual([0, 700, 0]);
    expect(await store.count(bucket, "5")).toBe(5);
    expect(asked.map((requests) => requests.map(({ client }) => client))).toEqual([["0", "700", "0"], ["5"]]);
  });

  it("remembers who is refused and until when, without asking again", async () => {
    let questions = 0;
    const { store, settle } = createRemoteStore((batch) => settle(batch, [++questions === 1 ? 40 : 0]));
    expect(await store.count(bucket, "a")).toBe(40);
    const again = store.count(bucket, "a");
    expect(again).toBeGreaterThan(0);
    expect(again).toBeLessThanOrEqual(40);
    await new Promise((resume) => setTimeout(resume, 45));
    expect(await store.count(bucket, "a")).toBe(0);
    expect(questions).toBe(2);
  });

  it("lets a request through when no answer comes, and takes no harm from a late one", async () => {
    const batches: number[] = [];
    const { store, settle } = createRemoteStore((batch) => batches.push(batch));
    const startedAt = performance.now();
    expect(await store.count(bucket, "a")).toBe(0);
    expect(performance.now() - startedAt).toBeGreaterThan(40);
    for (const batch of batches) settle(batch, [10_000]);
    expect(await store.count(bucket, "a")).toBe(0);
  });
});
