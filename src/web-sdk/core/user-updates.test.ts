import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { createUserUpdates, type UserChange } from "./user-updates.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** Every batch is answered by hand. */
function build() {
  const sent: UserChange[] = [];
  const answers: ((isSent: boolean) => void)[] = [];
  const updates = createUserUpdates({
    send: (change) => {
      sent.push(change);
      return new Promise((resolve) => answers.push(resolve));
    },
  });
  return { updates, sent, answer: (isSent: boolean) => answers.shift()?.(isSent) };
}

test("a batch is sent 500 ms after its first change, however many follow", async () => {
  const { updates, sent } = build();
  updates.add({ attributes: { plan: "pro", seats: 1 } });
  await vi.advanceTimersByTimeAsync(400);
  updates.add({ userId: "u1" });
  updates.add({ attributes: { seats: 2 } });
  await vi.advanceTimersByTimeAsync(99);
  expect(sent).toEqual([]);
  await vi.advanceTimersByTimeAsync(1);
  expect(sent).toEqual([{ userId: "u1", attributes: { plan: "pro", seats: 2 } }]);
});

test("a flush sends at once and tells how it ended", async () => {
  const { updates, sent, answer } = build();
  expect(await updates.flush()).toBe(true);
  updates.add({ userId: "u1" });
  const flushed = updates.flush();
  await vi.advanceTimersByTimeAsync(1_000);
  expect(sent).toEqual([{ userId: "u1", attributes: {} }]);
  expect(updates.isPending()).toBe(true);
  answer(false);
  expect(await flushed).toBe(false);
  expect(updates.isPending()).toBe(false);
  expect(await updates.flush()).toBe(true); // the failed batch is lost
});

test("batches do not overtake each other, and a flush waits for all", async () => {
  const { updates, sent, answer } = build();
  updates.add({ attributes: { a: 1 } });
  void updates.flush();
  updates.add({ attributes: { a: 2 } });
  const flushed = updates.flush();
  await vi.advanceTimersByTimeAsync(0);
  expect(sent).toHaveLength(1);
  answer(false);
  await vi.advanceTimersByTimeAsync(0);
  expect(sent).toEqual([{ attributes: { a: 1 } }, { attributes: { a: 2 } }]);
  answer(true);
  expect(await flushed).toBe(false);
});

test("an id is pending until its batch was answered", async () => {
  const { updates, answer } = build();
  expect(updates.pendingUserId()).toBeUndefined();
  updates.add({ userId: "u1" });
  const flushed = updates.flush();
  await vi.advanceTimersByTimeAsync(0);
  expect(updates.pendingUserId()).toBe("u1");
  answer(true);
  await flushed;
  expect(updates.pendingUserId()).toBeUndefined();
});
