import { describe, expect, test } from "vitest";
import type { Api, Identification } from "./api.ts";
import { startSession } from "./session.ts";
import { anonymousUser, type Expiring, type Survey, type User, type Workspace } from "./state.ts";
import type { Stored, Target } from "./store.ts";

const NOW = Date.parse("2026-06-10T12:00:00.000Z");
const MINUTE_MS = 60_000;
const TARGET: Target = { appUrl: "https://feedback.example", workspaceId: "w1" };
const at = (minutes: number) => new Date(NOW + minutes * MINUTE_MS).toISOString();

const survey: Survey = { id: "s1", displayOption: "displayOnce", hiddenFields: {}, languages: [], triggers: [] };
const workspace = (expiresAt: string, recaptchaSiteKey = "old"): Expiring<Workspace> => ({
  data: { surveys: [survey], actionClasses: [], settings: {}, recaptchaSiteKey },
  expiresAt,
});
const user = (expiresAt: string, segments: string[] = []): Expiring<User> => ({
  data: { ...anonymousUser().data, userId: "u1", contactId: "c1", segments },
  expiresAt,
});

interface Given {
  stored?: Stored | null;
  /** What the server answers. */
  workspace?: Expiring<Workspace> | null;
  user?: Expiring<User> | null;
  isDebug?: boolean;
}

async function build(given: Given) {
  let stored = given.stored ?? null;
  let isLocked = false;
  let time = NOW;
  const fetched: string[] = [];
  const identified: Identification[] = [];
  const api: Api = {
    fetchWorkspace: async () => {
      fetched.push(new Date(time).toISOString());
      return given.workspace ?? null;
    },
    identify: async (_target, body) => {
      identified.push(body);
      return given.user ?? null;
    },
  };
  const store = {
    read: () => stored,
    write: (_target: Target, state: Stored) => {
      stored = state;
    },
    isLocked: () => isLocked,
    lock: () => {
      isLocked = true;
    },
  };
  const session = await startSession({ target: TARGET, store, api, now: () => time, isDebug: given.isDebug ?? false });
  return {
    session,
    fetched,
    identified,
    stored: () => stored,
    isLocked: () => isLocked,
    setStored: (state: Stored) => {
      stored = state;
    },
    wait: (minutes: number) => {
      time += minutes * MINUTE_MS;
    },
  };
}

describe("the start", () => {
  test("with a current state asks nothing", async () => {
    const stored = { workspace: workspace(at(1)), user: user(at(1)) };
    const built = await build({ stored });
    expect([built.fetched, built.identified]).toEqual([[], []]);
    expect(built.stored()).toEqual(stored);
  });

  test("with an expired state fetches it, the user by the id alone", async () => {
    const built = await build({
      stored: { workspace: workspace(at(0)), user: user(at(0)) },
      workspace: workspace(at(60), "new"),
      user: user(at(30), ["g1"]),
    });
    expect(built.identified).toEqual([{ userId: "u1" }]);
    expect(built.stored()).toEqual({ workspace: workspace(at(60), "new"), user: user(at(30), ["g1"]) });
  });

  test("that fails with an expired state goes on with it for half an hour", async () => {
    const built = await build({ stored: { workspace: workspace(at(-5)), user: user(at(-5)) } });
    expect(built.stored()).toEqual({ workspace: workspace(at(30)), user: user(at(-5)) });
    expect(built.isLocked()).toBe(false);
  });

  test("that fails with nothing locks", async () => {
    const built = await build({});
    expect(built.session).toBeNull();
    expect(built.isLocked()).toBe(true);
  });

  test("in debug mode asks for everything", async () => {
    const built = await build({
      stored: { workspace: workspace(at(1)), user: user(at(1)) },
      workspace: workspace(at(60), "new"),
      user: user(at(30)),
      isDebug: true,
    });
    expect([built.fetched, built.identified]).toEqual([[at(0)], [{ userId: "u1" }]]);
  });

  test("of an anonymous visitor identifies nobody", async () => {
    const built = await build({ workspace: workspace(at(60)), isDebug: true });
    expect(built.identified).toEqual([]);
    expect(built.stored()).toEqual({ workspace: workspace(at(60)), user: anonymousUser() });
  });
});

describe("the refresh", () => {
  test("prolongs the user's state and leaves a current environment alone", async () => {
    const built = await build({ stored: { workspace: workspace(at(60)), user: user(at(10)) } });
    built.wait(1);
    await built.session?.refresh();
    expect(built.fetched).toEqual([]);
    expect(built.stored()).toEqual({ workspace: workspace(at(60)), user: user(at(31)) });
  });

  test("fetches an expired environment", async () => {
    const built = await build({
      stored: { workspace: workspace(at(1)), user: anonymousUser() },
      workspace: workspace(at(61), "new"),
    });
    built.wait(1);
    await built.session?.refresh();
    expect(built.stored()).toEqual({ workspace: workspace(at(61), "new"), user: anonymousUser() });
  });

  test("keeps an expired environment for half an hour when there is no newer one", async () => {
    const built = await build({ stored: { workspace: workspace(at(1)), user: anonymousUser() } });
    built.wait(1);
    await built.session?.refresh();
    built.wait(29);
    await built.session?.refresh();
    expect(built.fetched).toEqual([at(1)]);
    built.wait(1);
    await built.session?.refresh();
    expect(built.fetched).toEqual([at(1), at(31)]);
  });
});

describe("the user", () => {
  test("is replaced by the answer, with what was done meanwhile", async () => {
    const built = await build({ stored: { workspace: workspace(at(60)), user: user(at(10)) }, user: user(at(30), ["g1"]) });
    const identified = built.session?.identify({ userId: "u1" });
    built.session?.addDisplay("s1");
    built.session?.addResponse("s1");
    expect(await identified).toBe(true);
    expect(built.session?.user()).toEqual({
      ...user(at(30), ["g1"]).data,
      displays: [{ surveyId: "s1", createdAt: at(0) }],
      responses: ["s1"],
      lastDisplayAt: at(0),
    });
  });

  test("stays after a failure", async () => {
    const built = await build({ stored: { workspace: workspace(at(60)), user: user(at(10), ["g1"]) } });
    expect(await built.session?.identify({ userId: "u1", attributes: { plan: "pro" } })).toBe(false);
    expect(built.session?.user().segments).toEqual(["g1"]);
  });

  test("is the one that another tab has stored", async () => {
    const built = await build({ stored: { workspace: workspace(at(60)), user: anonymousUser() } });
    expect(built.session?.eligible()).toEqual([survey]);
    const { data } = anonymousUser();
    const seen = { data: { ...data, displays: [{ surveyId: "s1", createdAt: at(0) }] }, expiresAt: null };
    built.setStored({ workspace: workspace(at(60)), user: seen });
    built.session?.adoptStored();
    expect(built.session?.eligible()).toEqual([]);
  });
});
