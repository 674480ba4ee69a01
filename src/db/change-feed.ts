import { randomUUID } from "node:crypto";
import pg from "pg";
import type { Logger } from "pino";
import type { Transaction } from "./database.ts";

/** Things whose change empties a cache somewhere, and events that wait to be delivered. */
export type ChangeTopic = "environment" | "api_key" | "webhook_event";

/**
 * Tells every process of a change at once: whoever writes calls {@link notifyChange} in the writing transaction,
 * whoever caches subscribes. Uses PostgreSQL's LISTEN over one connection of its own, past any transaction pooler.
 */
export interface ChangeFeed {
  /** `onChange` gets the id that changed; `onGap` is called when changes may have been missed. */
  subscribe(topic: ChangeTopic, onChange: (id: string) => void, onGap: () => void): void;
  /** False while the connection is down, so that caches know to trust themselves for a short time only. */
  isListening(): boolean;
  close(): Promise<void>;
}

const CHANNEL = "mortar_change";
const PROBE_TOPIC = "probe";
const PROBE_TIMEOUT_MS = 2_000;
/** How long a pooler that keeps notices to itself is left alone: somebody has to change the configuration first. */
const DEAF_RETRY_MS = 60_000;
/** A network that swallows packets is found out by asking now and then. */
const HEARTBEAT_MS = 10_000;
const HEARTBEAT_TIMEOUT_MS = 5_000;
const RECONNECT_MIN_MS = 100;
const RECONNECT_MAX_MS = 5_000;

/** Announces, when the transaction commits, that the row or what belongs to it changed. */
export async function notifyChange(tx: Pick<Transaction, "query">, topic: ChangeTopic, id: string): Promise<void> {
  await tx.query("select pg_notify($1, $2)", [CHANNEL, `${topic}:${id}`]);
}

/** Starts listening in the background; resolves as soon as the first attempt has been made. */
export async function openChangeFeed({ url, log }: { url: string; log: Logger }): Promise<ChangeFeed> {
  const subscribers = new Map<string, { onChange: (id: string) => void; onGap: () => void }[]>();
  let client: pg.Client | undefined;
  let timer: NodeJS.Timeout | undefined;
  let delayMs = RECONNECT_MIN_MS;
  let listening = false;
  let closed = false;
  await connect();
  return { subscribe, isListening: () => listening, close };

  function subscribe(topic: ChangeTopic, onChange: (id: string) => void, onGap: () => void): void {
    subscribers.set(topic, [...(subscribers.get(topic) ?? []), { onChange, onGap }]);
  }

  async function connect(): Promise<void> {
    const attempt = new pg.Client({
      connectionString: url,
      connectionTimeoutMillis: 2_500,
      query_timeout: HEARTBEAT_TIMEOUT_MS,
      keepAlive: true,
      application_name: "mortar changes",
    });
    client = attempt;
    attempt.on("error", (error) => log.warn({ err: error }, "change feed lost"));
    attempt.on("end", () => reconnect(attempt));
    attempt.on("notification", ({ payload = "" }) => deliver(payload));
    try {
      await attempt.connect();
      await attempt.query(`listen ${CHANNEL}`);
      if (!(await isHeard(attempt, url))) {
        log.warn("change notices do not arrive: DATABASE_DIRECT_URL must lead past the pooler; caches live for a second only");
        delayMs = DEAF_RETRY_MS;
        attempt.end().catch(() => undefined);
        return reconnect(attempt);
      }
      listening = true;
      delayMs = RECONNECT_MIN_MS;
      const heartbeat = setInterval(() => void checkAlive(attempt), HEARTBEAT_MS).unref();
      attempt.once("end", () => clearInterval(heartbeat));
      for (const { onGap } of [...subscribers.values()].flat()) onGap(); // what changed while nobody listened is unknown
    } catch (error) {
      log.warn({ err: error }, "change feed cannot connect");
      attempt.end().catch(() => undefined);
      reconnect(attempt);
    }
  }

  /** A client whose question was not answered in time closes its connection at once, which begins a new one. */
  async function checkAlive(listener: pg.Client): Promise<void> {
    try {
      await listener.query("select 1");
    } catch (error) {
      log.warn({ err: error }, "change feed does not answer");
      listener.end().catch(() => undefined);
      reconnect(listener);
    }
  }

  function reconnect(ended: pg.Client): void {
    if (closed || ended !== client) return;
    client = undefined;
    listening = false;
    timer = setTimeout(() => void connect(), delayMs);
    delayMs = Math.min(delayMs * 2, RECONNECT_MAX_MS);
  }

  function deliver(payload: string): void {
    const at = payload.indexOf(":");
    for (const { onChange } of subscribers.get(payload.slice(0, at)) ?? []) onChange(payload.slice(at + 1));
  }

  async function close(): Promise<void> {
    closed = true;
    listening = false;
    clearTimeout(timer);
    await client?.end().catch(() => undefined);
  }
}

/**
 * Whether notices reach the connection. A pooler that gives each transaction another connection accepts LISTEN and
 * delivers nothing; one stands between us when the connection is not of the server process it claims to be.
 */
async function isHeard(listener: pg.Client, url: string): Promise<boolean> {
  const { rows } = await listener.query<{ pid: number }>("select pg_backend_pid() as pid");
  if ("processID" in listener && listener.processID === rows[0]?.pid) return true;
  const payload = `${PROBE_TOPIC}:${randomUUID()}`;
  const arrived = new Promise<boolean>((resolve) => {
    listener.on("notification", (notice) => {
      if (notice.payload === payload) resolve(true);
    });
    setTimeout(resolve, PROBE_TIMEOUT_MS, false).unref();
  });
  const sender = new pg.Client({ connectionString: url, connectionTimeoutMillis: 2_500 });
  sender.on("error", () => undefined); // the query's rejection says it
  try {
    await sender.connect();
    await sender.query("select pg_notify($1, $2)", [CHANNEL, payload]);
  } finally {
    sender.end().catch(() => undefined);
  }
  return await arrived;
}
