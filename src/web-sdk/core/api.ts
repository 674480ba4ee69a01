/** The two requests of this script. Source: sdk-contract §3, §4; client-api §4, §5. */
import type { Log } from "./log.ts";
import { type Expiring, isRecord, readUser, readWorkspace, type User, type Workspace } from "./state.ts";
import type { Target } from "./store.ts";

export interface Api {
  /** Null after any failure, which is logged. */
  fetchWorkspace(target: Target): Promise<Expiring<Workspace> | null>;
  /** Null after any failure, which is logged. */
  identify(target: Target, body: Identification): Promise<Expiring<User> | null>;
}

export interface Identification {
  userId: string;
  attributes?: Record<string, string | number | boolean>;
}

export interface ApiOptions {
  fetch: typeof fetch;
  isDebug: boolean;
  log: Log;
}

/** Longer than a server needs; a request that hangs would hold back every call after it. */
const TIMEOUT_MS = 30_000;

export function createApi({ fetch, isDebug, log }: ApiOptions): Api {
  return { fetchWorkspace, identify };

  // No Content-Type: the request is then a simple one, and the browser need not ask first.
  async function fetchWorkspace(target: Target): Promise<Expiring<Workspace> | null> {
    const data = await request(`${clientUrl(target, "v1")}/environment`, {});
    const workspace = readWorkspace(data);
    if (data !== null && workspace === null) log.error("The server's answer is no environment");
    return workspace;
  }

  async function identify(target: Target, body: Identification): Promise<Expiring<User> | null> {
    const data = await request(`${clientUrl(target, "v2")}/user`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
    });
    if (data === null) return null;
    const { state, errors, messages } = isRecord(data) ? data : {};
    const user = readUser(state);
    if (user === null) log.error("The server's answer is no user state");
    for (const text of textsOf(messages)) log.debug(text);
    for (const text of textsOf(errors)) log.error(text);
    return user;
  }

  /** The answer's `data`, or null. */
  async function request(url: string, { headers, ...init }: { method?: string; headers?: HeadersInit; body?: string }) {
    const abort = new AbortController();
    const timer = setTimeout(() => abort.abort(), TIMEOUT_MS);
    try {
      const response = await fetch(url, {
        ...init,
        signal: abort.signal,
        headers: { ...headers, ...(isDebug ? { "Cache-Control": "no-cache" } : {}) },
      });
      const body: unknown = await response.json();
      if (response.ok && isRecord(body) && body.data != null) return body.data;
      log.error(`${url} answered ${response.status}: ${JSON.stringify(body)}`);
    } catch (error) {
      log.error(`${url} gave no usable answer`, error);
    } finally {
      clearTimeout(timer);
    }
    return null;
  }
}

// The web SDK uses v1 for the environment and v2 for the user; both generations answer alike.
const clientUrl = ({ appUrl, workspaceId }: Target, generation: "v1" | "v2"): string =>
  `${appUrl}/api/${generation}/client/${encodeURIComponent(workspaceId)}`;

const textsOf = (value: unknown): string[] => (Array.isArray(value) ? value.filter((text) => typeof text === "string") : []);
