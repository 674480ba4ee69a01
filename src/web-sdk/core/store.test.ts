import { describe, expect, test } from "vitest";
import { createLog } from "./log.ts";
import { anonymousUser, type Survey } from "./state.ts";
import { createStore, STORE_KEY, type Stored } from "./store.ts";

const NOW = Date.parse("2026-06-10T12:00:00.000Z");
const TARGET = { appUrl: "https://feedback.example", workspaceId: "w1" };
const LIMIT_MS = 10 * 60_000;
const survey: Survey = { id: "s1", displayOption: "displayOnce", hiddenFields: {}, languages: [], triggers: [] };
const STATE: Stored = {
  workspace: {
    data: { surveys: [survey], actionClasses: [], settings: { recontactDays: 7 } },
    expiresAt: "2026-06-10T13:00:00.000Z",
  },
  user: anonymousUser(),
};

function build() {
  const items = new Map<string, string>();
  let time = NOW;
  const storage = {
    getItem: (key: string) => items.get(key) ?? null,
    setItem: (key: string, value: string) => void items.set(key, value),
  };
  const log = createLog({ console, isDebug: false });
  const store = createStore({ storage: () => storage, now: () => time, log });
  return { items, store, wait: (ms: number) => (time += ms) };
}

test("what was written is read again, by the same environment of the same server only", () => {
  const { store, items } = build();
  store.write(TARGET, STATE, [survey]);
  expect(store.read(TARGET)).toEqual(STATE);
  expect(store.read({ ...TARGET, workspaceId: "w2" })).toBeNull();
  expect(store.read({ ...TARGET, appUrl: "https://other.example" })).toBeNull();
  expect(JSON.parse(items.get(STORE_KEY) ?? "")).toEqual({
    ...TARGET,
    ...STATE,
    filteredSurveys: [survey],
    status: { value: "success", expiresAt: null },
  });
});

test("what older scripts wrote is read", () => {
  const { store, items } = build();
  const { surveys, actionClasses, settings } = STATE.workspace.data;
  const environment = { ...STATE.workspace, data: { surveys, actionClasses, project: settings } };
  items.set(STORE_KEY, JSON.stringify({ appUrl: TARGET.appUrl, environmentId: "w1", environment, user: STATE.user }));
  expect(store.read(TARGET)).toEqual(STATE);
});

test.each(["", "null", "[]", "{", '{"appUrl":"https://feedback.example","workspaceId":"w1"}'])("%s is nothing", (text) => {
  const { store, items } = build();
  items.set(STORE_KEY, text);
  expect(store.read(TARGET)).toBeNull();
  expect(store.isLocked(TARGET)).toBe(false);
});

describe("a lock", () => {
  test("holds for ten minutes", () => {
    const { store, wait } = build();
    store.lock(TARGET);
    expect(store.read(TARGET)).toBeNull();
    wait(LIMIT_MS - 1);
    expect(store.isLocked(TARGET)).toBe(true);
    wait(1);
    expect(store.isLocked(TARGET)).toBe(false);
  });

  test("is the environment's", () => {
    const { store } = build();
    store.lock(TARGET);
    expect(store.isLocked({ ...TARGET, workspaceId: "w2" })).toBe(false);
  });

  test("ends with a success", () => {
    const { store } = build();
    store.lock(TARGET);
    store.write(TARGET, STATE, []);
    expect(store.isLocked(TARGET)).toBe(false);
  });
});

test("a page that may not store anything goes on", () => {
  const log = createLog({ console, isDebug: false });
  const storage = () => {
    throw new Error("denied");
  };
  const store = createStore({ storage, now: () => NOW, log });
  store.write(TARGET, STATE, []);
  store.lock(TARGET);
  expect(store.read(TARGET)).toBeNull();
  expect(store.isLocked(TARGET)).toBe(false);
});
