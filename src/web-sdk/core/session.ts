/** The environment and the user of this page, kept equal with the local storage. Source: sdk-contract §3, §4, §6. */
import type { Api, Identification } from "./api.ts";
import { eligibleSurveys } from "./display-rules.ts";
import { anonymousUser, type Expiring, isExpired, type Survey, type User, type Workspace } from "./state.ts";
import type { Store, Stored, Target } from "./store.ts";
import { withDisplay, withHistorySince, withResponse } from "./user-history.ts";

/** How much longer a state is used whose successor could not be fetched, and a user's while the page is open. */
const EXTENSION_MS = 30 * 60_000;

export interface Session {
  target: Target;
  workspace(): Workspace;
  user(): User;
  /** The surveys that the user may see now. */
  eligible(): Survey[];
  /** Replaces the user by the server's answer; false after a failure, which is logged. */
  identify(body: Identification): Promise<boolean>;
  setLanguage(language: string): void;
  addDisplay(surveyId: string): void;
  addResponse(surveyId: string): void;
  /** Goes on with an anonymous visitor without history. */
  reset(): void;
  /** Fetches the environment when its time is over, and prolongs the user's state. To be called once a minute. */
  refresh(): Promise<void>;
  /** Takes over what another tab of the same site has stored. */
  adoptStored(): void;
}

export interface SessionOptions {
  target: Target;
  store: Store;
  api: Api;
  now: () => number;
  /** Asks the server for everything again. */
  isDebug: boolean;
}

/** Null when there is no environment to work with: the browser then leaves the server alone for ten minutes. */
export async function startSession({ target, store, api, now, isDebug }: SessionOptions): Promise<Session | null> {
  const stored = store.read(target);
  const [workspace, user] = await Promise.all([loadWorkspace(), loadUser()]);
  if (workspace === null) {
    store.lock(target);
    return null;
  }
  let state: Stored = { workspace, user };
  save({});
  return {
    target,
    workspace: () => state.workspace.data,
    user: () => state.user.data,
    eligible,
    identify,
    setLanguage: (language) => saveUser({ ...state.user.data, language }),
    addDisplay: (surveyId) => saveUser(withDisplay(state.user.data, surveyId, new Date(now()).toISOString())),
    addResponse: (surveyId) => saveUser(withResponse(state.user.data, surveyId)),
    reset: () => save({ user: anonymousUser() }),
    refresh,
    adoptStored: () => {
      state = store.read(target) ?? state;
    },
  };

  async function loadWorkspace(): Promise<Expiring<Workspace> | null> {
    if (stored && !isDebug && !isExpired(stored.workspace.expiresAt, now())) return stored.workspace;
    return (await api.fetchWorkspace(target)) ?? (stored && prolonged(stored.workspace));
  }

  async function loadUser(): Promise<Expiring<User>> {
    const known = stored?.user ?? anonymousUser();
    const { userId } = known.data;
    if (userId === null || !(isDebug || isExpired(known.expiresAt, now()))) return known;
    return (await api.identify(target, { userId })) ?? known;
  }

  function eligible(): Survey[] {
    return eligibleSurveys(state.workspace.data, state.user.data, now());
  }

  async function identify(body: Identification): Promise<boolean> {
    const before = state.user.data;
    const answer = await api.identify(target, body);
    if (answer === null) return false;
    save({ user: { ...answer, data: withHistorySince(answer.data, before, state.user.data) } });
    return true;
  }

  async function refresh(): Promise<void> {
    if (isExpired(state.workspace.expiresAt, now()))
      save({ workspace: (await api.fetchWorkspace(target)) ?? prolonged(state.workspace) });
    if (state.user.data.userId !== null) save({ user: prolonged(state.user) });
  }

  function prolonged<Data>({ data }: Expiring<Data>): Expiring<Data> {
    return { data, expiresAt: new Date(now() + EXTENSION_MS).toISOString() };
  }

  function saveUser(data: User): void {
    save({ user: { ...state.user, data } });
  }

  function save(change: Partial<Stored>): void {
    state = { ...state, ...change };
    store.write(target, state, eligible());
  }
}
