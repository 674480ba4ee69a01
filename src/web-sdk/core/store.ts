/** The state that outlives a page, in the browser's local storage. Source: sdk-contract §6, §7. */
import type { Log } from "./log.ts";
import { type Expiring, isExpired, isRecord, readUser, readWorkspace, type Survey, type User, type Workspace } from "./state.ts";

/** One record per origin; what is in it is the official script's shape, so that either finds the other's. */
export const STORE_KEY = "formbricks-js";

/** How long a browser whose very first environment could not be fetched leaves the server alone. */
const LOCK_MS = 10 * 60_000;

/** Which environment of which server. */
export interface Target {
  appUrl: string;
  workspaceId: string;
}

export interface Stored {
  workspace: Expiring<Workspace>;
  user: Expiring<User>;
}

export interface Store {
  /** Null: nothing, of another environment, or damaged. */
  read(target: Target): Stored | null;
  write(target: Target, state: Stored, filteredSurveys: Survey[]): void;
  /** Whether the first setup failed and that was less than ten minutes ago. */
  isLocked(target: Target): boolean;
  lock(target: Target): void;
}

export interface StoreOptions {
  /** Throws where the page may not use it. */
  storage: () => Pick<Storage, "getItem" | "setItem">;
  now: () => number;
  log: Log;
}

export function createStore({ storage, now, log }: StoreOptions): Store {
  return { read, write, isLocked, lock };

  function read(target: Target): Stored | null {
    const record = load(target);
    if (record === null || isLocked(target)) return null;
    const workspace = readWorkspace(record.workspace ?? record.environment);
    const user = readUser(record.user);
    return workspace && user && { workspace, user };
  }

  function write(target: Target, { workspace, user }: Stored, filteredSurveys: Survey[]): void {
    save({ ...target, workspace, user, filteredSurveys, status: { value: "success", expiresAt: null } });
  }

  function isLocked(target: Target): boolean {
    const status = load(target)?.status;
    return (
      isRecord(status) && status.value === "error" && typeof status.expiresAt === "string" && !isExpired(status.expiresAt, now())
    );
  }

  function lock(target: Target): void {
    save({ ...target, status: { value: "error", expiresAt: new Date(now() + LOCK_MS).toISOString() } });
  }

  function load({ appUrl, workspaceId }: Target): Record<string, unknown> | null {
    try {
      const record: unknown = JSON.parse(storage().getItem(STORE_KEY) ?? "null");
      const isOurs = isRecord(record) && record.appUrl === appUrl && (record.workspaceId ?? record.environmentId) === workspaceId;
      return isOurs ? record : null;
    } catch (error) {
      log.debug(`The stored state cannot be read: ${error}`);
      return null;
    }
  }

  function save(record: object): void {
    try {
      storage().setItem(STORE_KEY, JSON.stringify(record));
    } catch (error) {
      log.debug(`The state cannot be stored and is kept for this page only: ${error}`);
    }
  }
}
