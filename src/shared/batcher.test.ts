import { describe, expect, test } from "vitest";
import { createBatcher } from "./batcher.ts";

interface Item {
  key: string;
  value: number;
}

/** A batcher whose batches end when told to. */
function build({ maxRunning = 1, maxBatch = 100, maxWaiting = 1_000, failing = -1, failure = "bad item" } = {}) {
  const batches: { items: readonly Item[]; finish: () => void }[] = [];
  const batcher = createBatcher<Item, number>({
    keyOf: ({ key }) => key,
    isOfOneItem: (error) => error instanceof Error && error.message === "bad item",
    merge: (first, second) => (second.value < 0 ? null : { key: first.key, value: first.value + second.value }),
    maxRunning,
    maxBatch,
    maxWaiting,
    run: (items) =>
      new Promise((resolve, reject) => {
        const finish = () =>
          items.some(({ value }) => value === failing)
            ? reject(new Error(failure))
            : resolve(items.map(({ value }) => value * 10));
        batches.push({ items, finish });
      }),
  });
  const finishAll = async () => {
    await turn();
    for (let at = 0; at < batches.length; at++) {
      batches[at]?.finish();
      await turn();
    }
  };
  return { batches, finishAll, ...batcher };
}

/** Until all that a turn of the event loop does was done. */
const turn = () => new Promise((resume) => setImmediate(resume)).then(() => new Promise((resume) => setImmediate(resume)));

const keys = (items: readonly Item[]) => items.map(({ key }) => key);

describe("a batcher", () => {
  test("sends a lone item in the same turn of the event loop", async () => {
    const { batches, submit } = build();
    void submit({ key: "a", value: 1 });
    await turn();
    expect(batches).toHaveLength(1);
  });

  test("sends what arrives in one turn together, sorted by key, each answered by its own result", async () => {
    const { batches, submit, finishAll } = build();
    const answers = [3, 2, 1].map((value) => submit({ key: `k${value}`, value }));
    await finishAll();
    expect(await Promise.all(answers)).toEqual([30, 20, 10]);
    expect(batches.map(({ items }) => keys(items))).toEqual([["k1", "k2", "k3"]]);
  });

  test("sends what arrives while all that may run is running together afterwards", async () => {
    const { batches, submit, finishAll } = build();
    const first = submit({ key: "k4", value: 4 });
    await turn();
    const answers = [3, 2, 1].map((value) => submit({ key: `k${value}`, value }));
    await turn();
    expect(batches.map(({ items }) => keys(items))).toEqual([["k4"]]);
    await finishAll();
    expect(await Promise.all([first, ...answers])).toEqual([40, 30, 20, 10]);
    expect(batches.map(({ items }) => keys(items))).toEqual([["k4"], ["k1", "k2", "k3"]]);
  });

  test("lets a third batch wait while two are under way, unless these take long", async () => {
    const { batches, submit, finishAll } = build({ maxRunning: 4 });
    const answers: Promise<number>[] = [];
    for (const key of ["a", "b", "c", "d"]) {
      answers.push(submit({ key, value: 1 }));
      await turn();
    }
    expect(batches.map(({ items }) => keys(items))).toEqual([["a"], ["b"]]);
    await expect.poll(() => batches.map(({ items }) => keys(items))).toEqual([["a"], ["b"], ["c", "d"]]);
    answers.push(submit({ key: "e", value: 1 }));
    await turn();
    expect(batches).toHaveLength(4);
    answers.push(submit({ key: "f", value: 1 }));
    await new Promise((resume) => setTimeout(resume, 50));
    expect(batches).toHaveLength(4); // there are no more connections
    await finishAll();
    expect(await Promise.all(answers)).toEqual([10, 10, 10, 10, 10, 10]);
  });

  test("does not turn in circles while all that waits is of a key that is under way", async () => {
    const { batches, submit, finishAll, load } = build({ maxRunning: 4 });
    const answers = [submit({ key: "same", value: 1 })];
    await turn();
    answers.push(submit({ key: "same", value: 2 }));
    const before = performance.eventLoopUtilization();
    await new Promise((resume) => setTimeout(resume, 60));
    expect(performance.eventLoopUtilization(before).utilization).toBeLessThan(0.5);
    expect(batches).toHaveLength(1);
    expect(load()).toEqual({ waiting: 1, running: 1 });
    await finishAll();
    expect(await Promise.all(answers)).toEqual([10, 20]);
  });

  test("sends items of one key that can be merged as one, after what is under way", async () => {
    const { batches, submit, finishAll } = build({ maxRunning: 4 });
    const first = submit({ key: "same", value: 1 });
    await turn();
    const answers = [2, 3].map((value) => submit({ key: "same", value }));
    await turn();
    expect(batches).toHaveLength(1);
    await finishAll();
    expect(await Promise.all([first, ...answers])).toEqual([10, 50, 50]);
    expect(batches.map(({ items }) => items.map(({ value }) => value))).toEqual([[1], [5]]);
  });

  test("sends items of one key that cannot be merged one after another, in order", async () => {
    const { batches, submit, finishAll } = build({ maxRunning: 4 });
    const answers = [1, 2, -3, 4].map((value) => submit({ key: "same", value }));
    await finishAll();
    expect(await Promise.all(answers)).toEqual([30, 30, 10, 10]);
    expect(batches.map(({ items }) => items.map(({ value }) => value))).toEqual([[3], [1]]);
  });

  test("lets a bad item fail alone even when it was merged", async () => {
    const { submit, finishAll } = build({ failing: 5 });
    const settled = Promise.allSettled([0, 5, 0].map((value) => submit({ key: "same", value })));
    await finishAll();
    expect((await settled).map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
  });

  test("sends no more than a batch's size", async () => {
    const { batches, submit, finishAll } = build({ maxBatch: 2 });
    const answers = [1, 2, 3, 4, 5, 6].map((value) => submit({ key: `k${value}`, value }));
    await finishAll();
    await Promise.all(answers);
    expect(batches.map(({ items }) => items.length)).toEqual([2, 2, 2]);
  });

  test("lets a bad item fail alone", async () => {
    const { submit, finishAll } = build({ failing: 3 });
    const answers = [1, 2, 3, 4].map((value) => submit({ key: `k${value}`, value }));
    const settled = Promise.allSettled(answers);
    await finishAll();
    expect((await settled).map(({ status }) => status)).toEqual(["fulfilled", "fulfilled", "rejected", "fulfilled"]);
  });

  test("does not repeat a failure that all items share", async () => {
    const { batches, submit, finishAll } = build({ failing: 3, failure: "database away" });
    const settled = Promise.allSettled([1, 2, 3].map((value) => submit({ key: `k${value}`, value })));
    await finishAll();
    expect((await settled).map(({ status }) => status)).toEqual(["rejected", "rejected", "rejected"]);
    expect(batches).toHaveLength(1);
  });

  test("refuses what would have to wait behind too many", async () => {
    const { submit, load, finishAll } = build({ maxWaiting: 2 });
    const first = submit({ key: "k1", value: 1 });
    await turn();
    const answers = [first, ...[2, 3].map((value) => submit({ key: `k${value}`, value }))];
    expect(load()).toEqual({ waiting: 2, running: 1 });
    await expect(submit({ key: "k4", value: 4 })).rejects.toMatchObject({ kind: "unavailable", retryAfterSeconds: 1 });
    await finishAll();
    expect(await Promise.all(answers)).toEqual([10, 20, 30]);
    expect(load()).toEqual({ waiting: 0, running: 0 });
  });
});
