import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { createEvents } from "./events.ts";
import { createEmbeddedData } from "./hidden-fields.ts";
import type { RenderOptions } from "./renderer.ts";
import type { Session } from "./session.ts";
import { anonymousUser, type Settings, type Survey, type User } from "./state.ts";
import { createSurveyDisplay } from "./survey-display.ts";
import { createUserUpdates } from "./user-updates.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const survey = (id: string, given: Partial<Survey> = {}): Survey => ({
  id,
  triggers: [{ actionClass: { name: "bought" } }],
  displayOption: "respondMultiple",
  languages: [],
  hiddenFields: {},
  ...given,
});

interface Given {
  surveys: Survey[];
  settings?: Settings;
  draws?: number[];
  /** Rejects the first attempts to load the renderer. */
  failures?: number;
}

function build({ surveys, settings = {}, draws = [], failures = 0 }: Given) {
  let user: User = anonymousUser().data;
  let failuresLeft = failures;
  const rendered: RenderOptions[] = [];
  const errors: string[] = [];
  const log = { debug: () => {}, error: (message: string) => errors.push(message) };
  const session: Session = {
    target: { appUrl: "https://a.example", workspaceId: "w1" },
    workspace: () => ({ surveys, actionClasses: [], settings }),
    user: () => user,
    eligible: () => surveys,
    identify: async () => true,
    setLanguage: () => {},
    addDisplay: () => {},
    addResponse: () => {},
    reset: () => {},
    refresh: async () => {},
    adoptStored: () => {},
  };
  const updates = createUserUpdates({ send: () => new Promise(() => {}) }); // the server is silent
  const renderer = {
    preload: () => {},
    load: async () => {
      if (failuresLeft-- > 0) throw new Error("offline");
    },
    render: (options: RenderOptions) => void rendered.push(options),
    remove: () => {},
    setNonce: () => {},
    nonce: () => undefined,
  };
  const embedded = createEmbeddedData();
  const random = () => draws.shift() ?? 0;
  const display = createSurveyDisplay({ session, updates, renderer, events: createEvents({ log }), embedded, random, log });
  const become = (userId: string) => {
    user = { ...user, userId };
  };
  return { display, updates, rendered, errors, become, ids: () => rendered.map((options) => options.survey.id) };
}

test("the first survey that wins its draw is shown", async () => {
  const surveys = [survey("s1", { displayPercentage: 50 }), survey("s2", { displayPercentage: 50 }), survey("s3")];
  const { display, ids } = build({ surveys, draws: [0.5, 0.49] });
  await display.trigger({ action: "bought" });
  expect(ids()).toEqual(["s2"]);
});

test("an action that triggers nothing does not keep another from showing its survey", async () => {
  const { display, ids } = build({
    surveys: [survey("s1", { displayPercentage: 50 }), survey("s2", { triggers: [{ actionClass: { name: "left" } }] })],
    draws: [0.9],
  });
  await Promise.all([display.trigger({ action: "bought" }), display.trigger({ action: "left" })]);
  expect(ids()).toEqual(["s2"]);
});

test("a survey waits five seconds for the user, then only those without filters are shown", async () => {
  const surveys = [survey("s1", { segment: { id: "g1", hasFilters: true } }), survey("s2")];
  const { display, updates, ids } = build({ surveys });
  updates.add({ userId: "u1" });
  const shown = display.trigger({ action: "bought" });
  await vi.advanceTimersByTimeAsync(4_999);
  expect(ids()).toEqual([]);
  await vi.advanceTimersByTimeAsync(1);
  await shown;
  expect(ids()).toEqual(["s2"]);
});

test("a survey is not shown to another user than the one it was chosen for", async () => {
  const { display, rendered, become } = build({ surveys: [survey("s1", { delay: 5 })] });
  await display.trigger({ action: "bought" });
  become("u2");
  await vi.advanceTimersByTimeAsync(5_000);
  expect(rendered).toEqual([]);
  await display.trigger({ action: "bought" });
  await vi.advanceTimersByTimeAsync(5_000);
  expect(rendered).toHaveLength(1);
});

test("a renderer that cannot be loaded is tried again by the next action", async () => {
  const { display, errors, ids } = build({ surveys: [survey("s1")], failures: 1 });
  await display.trigger({ action: "bought" });
  expect(errors).toEqual(["Survey s1 could not be shown"]);
  await display.trigger({ action: "bought" });
  expect(ids()).toEqual(["s1"]);
});

test("a survey's own look counts where it may overwrite the settings", async () => {
  const settings = { placement: "center", overlay: "light", clickOutsideClose: true, styling: { allowStyleOverwrite: true } };
  const own = { overwriteThemeStyling: true };
  const { display, rendered } = build({
    settings,
    surveys: [survey("s1", { styling: own, workspaceOverwrites: { overlay: "dark", clickOutsideClose: false } })],
  });
  await display.trigger({ action: "bought" });
  expect(rendered).toMatchObject([
    { styling: own, placement: "center", overlay: "dark", darkOverlay: true, clickOutside: false, isBrandingEnabled: false },
  ]);
});

test.each([
  [{ allowStyleOverwrite: false }, { overwriteThemeStyling: true }],
  [{ allowStyleOverwrite: true }, { overwriteThemeStyling: false }],
  [{ allowStyleOverwrite: true }, null],
])("with styling %j a survey's %j does not count", async (styling, own) => {
  const { display, rendered } = build({ settings: { styling }, surveys: [survey("s1", { styling: own })] });
  await display.trigger({ action: "bought" });
  expect(rendered).toMatchObject([{ styling }]);
});
