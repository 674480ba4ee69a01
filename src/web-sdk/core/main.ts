/** The script at `/js/formbricks.umd.cjs`: sets `globalThis.formbricks` while it runs. Source: sdk-contract §8.1. */
import { createApi } from "./api.ts";
import { createClient } from "./client.ts";
import { createLog } from "./log.ts";
import { createStore } from "./store.ts";

declare global {
  var formbricks: ReturnType<typeof createClient> | undefined;
}

const now = () => Date.now();
const isDebug = new URLSearchParams(location.search).get("formbricksDebug") === "true";
const log = createLog({ console, isDebug });

// A page may hold the script twice, by a loader and by a tag manager: the second would listen to everything again.
if (typeof globalThis.formbricks?.setup !== "function")
  globalThis.formbricks = createClient({
    api: createApi({ fetch: (...args) => fetch(...args), isDebug, log }),
    store: createStore({ storage: () => localStorage, now, log }),
    now,
    random: Math.random,
    isDebug,
    log,
  });
