/** `window.formbricks`: what loaders and pages call. Source: sdk-contract §8.2. */
import type { Api } from "./api.ts";
import { createEvents } from "./events.ts";
import { createEmbeddedData, isAttributeValue, readFieldValues } from "./hidden-fields.ts";
import type { Log } from "./log.ts";
import { createPageActions, type PageActions } from "./page-actions.ts";
import { createRenderer } from "./renderer.ts";
import { type Session, startSession } from "./session.ts";
import { readSetupOptions } from "./setup-options.ts";
import { isRecord } from "./state.ts";
import { STORE_KEY, type Store } from "./store.ts";
import { createSurveyDisplay, type SurveyDisplay } from "./survey-display.ts";
import { type Attributes, createUserUpdates, type UserChange, type UserUpdates } from "./user-updates.ts";

export interface ClientOptions {
  api: Api;
  store: Store;
  now: () => number;
  random: () => number;
  isDebug: boolean;
  log: Log;
}

/** What exists after a successful setup. */
interface Running {
  session: Session;
  updates: UserUpdates;
  surveys: SurveyDisplay;
  page: PageActions;
}

type Command = (running: Running, ...args: unknown[]) => Promise<void> | void;

const REFRESH_MS = 60_000;
const MAX_USER_ID_LENGTH = 255;

/**
 * Every function but `on` returns a promise that resolves with nothing, also after a failure, which is logged: a page
 * must not break by it. Calls are done one after the other, in the order in which they were made.
 */
export function createClient({ api, store, now, random, isDebug, log }: ClientOptions) {
  const events = createEvents({ log });
  const embedded = createEmbeddedData();
  let appUrl = "";
  const renderer = createRenderer({ appUrl: () => appUrl });
  let running: Running | null = null;
  let queue: Promise<void> = Promise.resolve();

  const setup = (options?: unknown) => enqueue(() => setUp(options));
  const logout = command(logOut);
  return {
    setup,
    init: setup,
    setUserId: command(setUserId),
    setEmail: command((client, email) => setAttributes(client, { email })),
    setAttribute: command((client, key, value) => setAttributes(client, { [String(key)]: value })),
    setAttributes: command(setAttributes),
    setLanguage: command((client, language) => setAttributes(client, { language })),
    track: command(track),
    registerRouteChange: command(registerRouteChange),
    logout,
    /** What `logout` was called before js 3. */
    reset: logout,
    setNonce: async (nonce?: unknown) => renderer.setNonce(typeof nonce === "string" ? nonce : undefined),
    setEmbeddedData: async (data?: unknown) => embedded.merge(data),
    clearEmbeddedData: async (...keys: unknown[]) => embedded.clear(...keys),
    on: events.on,
    off: events.off,
  };

  function enqueue(task: () => Promise<void> | void): Promise<void> {
    queue = queue.then(task).catch((error: unknown) => log.error("A call failed", error));
    return queue;
  }

  function command(run: Command): (...args: unknown[]) => Promise<void> {
    return (...args) =>
      enqueue(() =>
        running ? run(running, ...args) : log.error("Not set up: call formbricks.setup first, or see why it failed"),
      );
  }

  async function setUp(given: unknown): Promise<void> {
    if (running) return log.debug("Set up already");
    const options = readSetupOptions(given);
    if (typeof options === "string") return log.error(options);
    const target = { appUrl: options.appUrl, workspaceId: options.workspaceId };
    if (!isDebug && store.isLocked(target)) return log.error("Setup failed less than ten minutes ago and is not tried again yet");
    appUrl = target.appUrl;
    const session = await startSession({ target, store, api, now, isDebug });
    if (session === null) return log.error("Setup failed; it is tried again in ten minutes at the earliest");
    running = start(session);
    if (session.workspace().surveys.length > 0) renderer.preload();
    await identifyAtSetup(running, options);
    log.debug("Set up");
    events.emit("formbricks_setup_successful", { workspaceId: target.workspaceId });
    running.page.start();
  }

  function start(session: Session): Running {
    const updates = createUserUpdates({ send: (change) => sendUserChange(session, change) });
    const surveys = createSurveyDisplay({ session, updates, renderer, events, embedded, random, log });
    const page = createPageActions({
      actionClasses: () => session.workspace().actionClasses,
      onAction: (action) => void surveys.trigger({ action }),
    });
    setInterval(() => void session.refresh(), REFRESH_MS);
    window.addEventListener("storage", ({ key }) => {
      if (key === STORE_KEY) session.adoptStored();
    });
    return { session, updates, surveys, page };
  }

  /** Older loaders name the user in `init`. */
  async function identifyAtSetup(
    client: Running,
    { userId, attributes }: { userId?: unknown; attributes?: unknown },
  ): Promise<void> {
    if (userId != null) await setUserId(client, userId);
    if (attributes != null) setAttributes(client, attributes);
    await client.updates.flush();
  }

  async function sendUserChange(session: Session, { userId, attributes = {} }: UserChange): Promise<boolean> {
    const id = userId ?? session.user().userId;
    if (id !== null) return await session.identify({ userId: id, attributes });
    const { language, ...others } = attributes;
    if (typeof language === "string") session.setLanguage(language);
    if (Object.keys(others).length === 0) return true;
    log.error(`Attributes need a user, call setUserId first: ${Object.keys(others).join(", ")} not sent`);
    return false;
  }

  async function setUserId({ session, updates }: Running, userId: unknown): Promise<void> {
    if (typeof userId !== "string" || userId === "" || userId.length > MAX_USER_ID_LENGTH)
      return log.error(`A user id is a text of 1 to ${MAX_USER_ID_LENGTH} characters`);
    const current = updates.pendingUserId() ?? session.user().userId;
    if (current === userId) return log.debug("The user id is set already");
    if (current !== null) {
      await updates.flush(); // what is pending belongs to the former user
      session.reset();
    }
    updates.add({ userId });
  }

  function setAttributes({ updates }: Running, given: unknown): void {
    const attributes: Attributes = {};
    for (const [key, value] of Object.entries(isRecord(given) ? given : {})) {
      const plain = value instanceof Date && !Number.isNaN(value.getTime()) ? value.toISOString() : value;
      if (isAttributeValue(plain)) attributes[key] = plain;
      else log.error(`Attribute ${key} must be a text, a number, a boolean or a date`);
    }
    if (Object.keys(attributes).length > 0) updates.add({ attributes });
  }

  async function track({ session, updates, surveys }: Running, code: unknown, properties: unknown): Promise<void> {
    const isUserSettled = await updates.flush();
    const action = session.workspace().actionClasses.find(({ type, key }) => type === "code" && key === code);
    if (!action) return log.error(`There is no code action with the key "${code}"`);
    const hiddenFields = readFieldValues(isRecord(properties) ? properties.hiddenFields : undefined);
    await surveys.trigger({ action: action.name, label: String(code), hiddenFields, isUserSettled });
  }

  async function registerRouteChange({ updates, page }: Running): Promise<void> {
    await updates.flush();
    page.visitPage();
  }

  async function logOut({ session, updates }: Running): Promise<void> {
    await updates.flush();
    session.reset();
  }
}
