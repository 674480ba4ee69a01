import { describe, expect, it } from "vitest";
import { createResponseQueue, mergeUpdates, type QueueStatus, type ResponseUpdate, type SendResult } from "./response-queue.ts";

const update = (data: ResponseUpdate["data"], more: Partial<ResponseUpdate> = {}): ResponseUpdate => ({
  finished: false,
  data,
  ttc: {},
  variables: {},
  ...more,
});
const accepted: SendResult<number> = { outcome: "accepted", accepted: 1 };
const retry: SendResult<number> = { outcome: "retry" };

function startQueue(results: SendResult<number>[]) {
  const sent: ResponseUpdate[] = [];
  const pauses: number[] = [];
  const statuses: QueueStatus[] = [];
  const pending: (ResponseUpdate | null)[] = [];
  const queue = createResponseQueue<number>({
    send: async (each) => {
      sent.push(each);
      return results.shift() ?? accepted;
    },
    sleep: async (ms) => void pauses.push(ms),
    onStatus: (status) => statuses.push(status),
    onAccepted: () => {},
    onPending: (each) => pending.push(each),
  });
  const settle = () => new Promise((resolve) => setTimeout(resolve, 5));
  return { queue, sent, pauses, statuses, pending, settle };
}

describe("createResponseQueue", () => {
  it("sends one update at a time and merges what comes meanwhile", async () => {
    const { queue, sent, statuses, pending, settle } = startQueue([]);
    queue.add(update({ a: "1" }));
    queue.add(update({ b: "2" }));
    queue.add(update({ b: "3" }, { finished: true }));
    await settle();
    expect(sent).toEqual([update({ a: "1" }), update({ b: "3" }, { finished: true, language: undefined, endingId: undefined })]);
    expect(statuses).toEqual(["sending", "idle"]);
    expect(pending.at(-1)).toBeNull();
  });

  it("tries again after 1, 2, 4 and 8 seconds, then waits to be told to", async () => {
    const { queue, sent, pauses, statuses, pending, settle } = startQueue(Array(5).fill(retry));
    queue.add(update({ a: "1" }));
    await settle();
    expect([sent.length, pauses, statuses]).toEqual([5, [1_000, 2_000, 4_000, 8_000], ["sending", "failed"]]);
    expect(pending.at(-1)).toEqual(update({ a: "1" }));
    queue.retry();
    await settle();
    expect([sent.length, statuses.at(-1), pending.at(-1)]).toEqual([6, "idle", null]);
  });

  it("sends what failed together with the next answer", async () => {
    const { queue, sent, settle } = startQueue(Array(5).fill(retry));
    queue.add(update({ a: "1" }));
    await settle();
    queue.add(update({ b: "2" }));
    await settle();
    expect(sent.at(-1)?.data).toEqual({ a: "1", b: "2" });
  });

  it("drops what is refused and tells why", async () => {
    const { queue, sent, statuses, pending, settle } = startQueue([{ outcome: "refused", reason: "recaptcha" }]);
    queue.add(update({ a: "1" }));
    await settle();
    queue.retry();
    await settle();
    expect([sent.length, statuses, pending.at(-1)]).toEqual([1, ["sending", "recaptcha"], null]);
  });
});

describe("mergeUpdates", () => {
  it("adds times up and lets later values win", () => {
    const earlier = update({ a: "1", b: "1" }, { ttc: { a: 100 }, variables: { n: 1 }, language: "de-DE" });
    const later = update({ b: "2" }, { ttc: { a: 50, b: 10 }, variables: { n: 2 }, finished: true, endingId: "e" });
    expect(mergeUpdates(earlier, later)).toEqual({
      finished: true,
      data: { a: "1", b: "2" },
      ttc: { a: 150, b: 10 },
      variables: { n: 2 },
      language: "de-DE",
      endingId: "e",
    });
  });
});
