import { describe, expect, it } from "vitest";
import { createSingleFlightCache } from "./single-flight-cache.ts";

const AWAY = new Error("away");
const GONE = new Error("gone");
const stale = { isAway: (error: unknown) => error === AWAY, forMs: 60_000, patienceMs: 20, outdatedPatienceMs: 60 };

/** A cache of a source that answers what `source.answer` says, a second after midnight of some day. */
function open() {
  const clock = { time: 1_000_000 };
  const source = { answer: async (): Promise<string> => "first", asked: 0 };
  const cache = createSingleFlightCache<string>({ ttlMs: () => 10_000, maxEntries: 2, stale, now: () => clock.time });
  const load = () => {
    source.asked++;
    return source.answer();
  };
  return { clock, source, get: () => cache.get("key", load), getAnyway: () => cache.getAnyway("key", load), cache };
}

describe("createSingleFlightCache", () => {
  it("asks once for a key however many ask, and again when its time is over", async () => {
    const { clock, source, get } = open();
    expect(await Promise.all([get(), get()])).toEqual(["first", "first"]);
    clock.time += 9_999;
    await get();
    expect(source.asked).toBe(1);
    clock.time += 1;
    await get();
    expect(source.asked).toBe(2);
  });

  it("does not trust a value that was read after now, when the clock was put back", async () => {
    const { clock, source, get } = open();
    await get();
    clock.time -= 3_600_000;
    source.answer = async () => "second";
    expect(await get()).toBe("second");
  });

  it("serves what it has for a minute after its source went away, with its age, and then no more", async () => {
    const { clock, source, getAnyway } = open();
    expect(await getAnyway()).toEqual({ value: "first", ageMs: 0, isStale: false });
    source.answer = () => Promise.reject(AWAY);
    clock.time += 9_000;
    expect(await getAnyway()).toEqual({ value: "first", ageMs: 9_000, isStale: false });
    clock.time += 11_000;
    expect(await getAnyway()).toEqual({ value: "first", ageMs: 20_000, isStale: true });
    clock.time += 60_000;
    expect(await getAnyway()).toEqual({ value: "first", ageMs: 80_000, isStale: true });
    clock.time += 1;
    await expect(getAnyway()).rejects.toMatchObject({ kind: "unavailable", retryAfterSeconds: 5 });
    clock.time += 1_000;
    await expect(getAnyway()).rejects.toBe(AWAY);
    source.answer = async () => "second";
    clock.time += 1_000;
    expect(await getAnyway()).toEqual({ value: "second", ageMs: 0, isStale: false });
  });

  it("asks a source that is away once a second, and does not wait for one that hangs", async () => {
    const { clock, source, getAnyway } = open();
    await getAnyway();
    source.answer = () => new Promise(() => undefined);
    clock.time += 10_000;
    const startedAt = performance.now();
    for (let n = 0; n < 100; n++) expect((await getAnyway()).isStale).toBe(true);
    expect(performance.now() - startedAt).toBeLessThan(1_000);
    expect(source.asked).toBe(2);
  });

  it("forgets a value whose source answers that there is none", async () => {
    const { clock, source, getAnyway, cache } = open();
    await getAnyway();
    source.answer = () => Promise.reject(GONE);
    clock.time += 10_000;
    await expect(getAnyway()).rejects.toBe(GONE);
    source.answer = () => Promise.reject(AWAY);
    await expect(getAnyway()).rejects.toBe(AWAY);
    expect(cache.peek("key")).toBeUndefined();
  });

  it("serves nothing that was dropped, away or not", async () => {
    const { source, getAnyway, cache } = open();
    await getAnyway();
    cache.delete("key");
    source.answer = () => Promise.reject(AWAY);
    await expect(getAnyway()).rejects.toBe(AWAY);
  });
});

it("reads anew what may have changed, and goes on with it while its source is away", async () => {
  const { clock, source, getAnyway, cache } = open();
  await getAnyway();
  clock.time += 1_000;
  cache.clear();
  source.answer = () => Promise.reject(AWAY);
  expect(await getAnyway()).toEqual({ value: "first", ageMs: 1_000, isStale: true });
  expect(cache.peek("key")).toBeUndefined();
  clock.time += 1_000;
  source.answer = () => new Promise(() => undefined);
  expect(await getAnyway()).toEqual({ value: "first", ageMs: 2_000, isStale: true });
  cache.clear(); // the question that is not answered holds nobody up
  clock.time += 1_000;
  source.answer = async () => "second";
  expect(await getAnyway()).toEqual({ value: "second", ageMs: 0, isStale: false });
});

it("does not go on with what has changed", async () => {
  const { source, getAnyway, cache } = open();
  await getAnyway();
  cache.delete("key");
  source.answer = () => Promise.reject(AWAY);
  await expect(getAnyway()).rejects.toBe(AWAY);
});
