/**
 * A streaming replica of the database, for lists and exports: what they answer may be some seconds old. Nothing that has
 * to see what was just written reads from it. See src/decisions/0065.
 */
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import type { Logger } from "pino";
import { type Database, openDatabase, type Statement, type Transaction } from "./database.ts";
import { isRetryable, isUnavailable } from "./errors.ts";
import { currentUnit } from "./write-scope.ts";

/** How old what a list or an export shows may be; from a replica that lags more nothing is read. */
const MAX_REPLICA_LAG_MS = 10_000;

/** What lists are read with: the primary, or a replica of it. */
export type ListReader = Pick<Transaction, "query">;

export interface ReplicaFigures {
  /** Lists that the replica answered, and those that the primary did in its place, since the process started. */
  reads: { replica: number; primary: number };
  /** By how much the replica lags at most; null while that is not known. */
  lagMs: number | null;
}

export interface ReplicaReader extends ListReader {
  figures(): ReplicaFigures;
  close(): Promise<void>;
}

export interface ReplicaReaderOptions {
  /** The primary, and where it is. */
  db: Database;
  primaryUrl: string;
  /** The replica's. */
  url: string;
  poolSize: number;
  /** As {@link openDatabase}'s. */
  prepared: boolean;
  log: Logger;
  maxLagMs?: number;
}

const PROBE_INTERVAL_MS = 1_000;
const PROBE_TIMEOUT_MS = 1_500;

/** Which database it is, over all of its replicas. */
const IDENTITY = `(select system_identifier from pg_control_system())::text || ' ' || current_database() as identity`;
/** Whoever has got a commit acknowledged finds it before this position. */
const READ_PRIMARY = `select ${IDENTITY}, pg_wal_lsn_diff(pg_current_wal_flush_lsn(), '0/0')::text as position`;
/** One that was made a primary keeps the position at which that happened. */
const READ_REPLICA = `select ${IDENTITY},
  case when pg_is_in_recovery() then pg_wal_lsn_diff(pg_last_wal_replay_lsn(), '0/0')::text end as position`;

/** How far a database has come. */
interface Position {
  identity: string;
  /** Null of what is no replica. */
  position: bigint | null;
}

/**
 * Reads from the replica as long as it is known to have all that was committed {@link MAX_REPLICA_LAG_MS} ago; else, and when
 * it fails, from the primary. That is looked at every second: what the primary had written when is compared with what the
 * replica has replayed, so that neither clock matters and a broken link between the two is found out. Whatever a unit of
 * work reads comes from the unit.
 */
export function openReplicaReader(options: ReplicaReaderOptions): ReplicaReader {
  const { db, primaryUrl, url, poolSize, prepared, log, maxLagMs = MAX_REPLICA_LAG_MS } = options;
  const replica = openDatabase({ url, poolSize, prepared, log });
  const primaryProbe = createProbe(primaryUrl);
  const probe = createProbe(url);
  const reads = { replica: 0, primary: 0 };
  const underWay = new Set<(reason: Error) => void>();
  /** What the primary had written at times of our clock, oldest first. */
  let written: { at: number; position: bigint }[] = [];
  /** The replica has all that was committed before; null while nothing is known of it. */
  let freshAt: number | null = null;
  /** Since when the replica is reached without a break. */
  let reachedAt: number | null = null;
  /** What was said last: whether it is used. */
  let isTold: boolean | null = null;
  let isClosed = false;
  const pause = new AbortController();
  const watching = watch();
  return { query, figures, close };

  async function query<Row extends object>(statement: Statement | string, values: unknown[] = []): Promise<Row[]> {
    if (currentUnit()) return await db.query<Row>(statement, values);
    if (isUsable()) {
      try {
        const rows = await unlessLost(replica.query<Row>(statement, values));
        reads.replica++;
        return rows;
      } catch (error) {
        if (!isWorthAnother(error)) throw error;
        log.warn({ reason: messageOf(error) }, "read replica failed, reading from the primary");
      }
    }
    reads.primary++;
    return await db.query<Row>(statement, values);
  }

  function figures(): ReplicaFigures {
    return { reads: { ...reads }, lagMs: freshAt === null ? null : Date.now() - freshAt };
  }

  function isUsable(): boolean {
    return freshAt !== null && Date.now() - freshAt <= maxLagMs;
  }

  /** Rejects as soon as the replica is found to be lost: a network that swallows packets answers never. */
  function unlessLost<Result>(reading: Promise<Result>): Promise<Result> {
    return new Promise((resolve, reject) => {
      underWay.add(reject);
      reading.then(resolve, reject).finally(() => underWay.delete(reject));
    });
  }

  async function watch(): Promise<void> {
    while (!isClosed) {
      const failure = await look().then(() => null, messageOf);
      if (isClosed) return;
      if (failure === null) reachedAt ??= Date.now();
      else lose(failure);
      tell(failure);
      await sleep(PROBE_INTERVAL_MS, undefined, { ref: false, signal: pause.signal }).catch(() => undefined);
    }
  }

  async function look(): Promise<void> {
    const at = Date.now();
    const [primary, replayed] = await Promise.all([
      readPosition(primaryProbe, READ_PRIMARY).catch(() => {
        primaryProbe.reset();
        return null; // of a primary that is away nothing new is known
      }),
      readPosition(probe, READ_REPLICA),
    ]);
    if (replayed.position === null) throw new Error("it is no replica");
    if (primary === null) return;
    if (primary.identity !== replayed.identity) throw new Error("it is of another database");
    if (primary.position !== null) written.push({ at, position: primary.position });
    const { position } = replayed;
    const reached = written.findLastIndex((moment) => moment.position <= position);
    freshAt = written[reached]?.at ?? freshAt;
    written = written.slice(Math.max(0, reached)).slice(-Math.ceil((2 * maxLagMs) / PROBE_INTERVAL_MS));
  }

  function lose(reason: string): void {
    freshAt = null;
    reachedAt = null;
    written = [];
    probe.reset();
    for (const reject of underWay) reject(new LostReplica(reason));
  }

  /** Says once that it is used, and that it no longer is: when it failed, or when it lagged for too long. */
  function tell(failure: string | null): void {
    const isUsed = isUsable();
    const isCatchingUp = failure === null && reachedAt !== null && Date.now() - reachedAt <= maxLagMs;
    if (isUsed === isTold || (!isUsed && isCatchingUp)) return;
    isTold = isUsed;
    if (isUsed) log.info("lists are read from the replica");
    else log.warn({ reason: failure ?? "it lags" }, "read replica is not used, lists are read from the primary");
  }

  async function close(): Promise<void> {
    isClosed = true;
    pause.abort();
    probe.reset();
    primaryProbe.reset();
    await watching;
    await replica.close();
  }
}

/** The replica was found to be lost while it was asked. */
class LostReplica extends Error {
  override readonly name = "LostReplica";
}

/**
 * Whether the primary may have the answer: not after a statement took too long, for it would there, too. What the replica
 * had to break off, because it replays a change of the rows that were read, is among the retryable.
 */
function isWorthAnother(error: unknown): boolean {
  if (error instanceof LostReplica || isRetryable(error)) return true;
  const isSlow = /Query read timeout/.test(messageOf(error)) || (error instanceof pg.DatabaseError && error.code === "57014");
  return isUnavailable(error) && !isSlow;
}

/** A connection of its own, so that a database with much to do is not taken for one that is away. */
function createProbe(url: string): ListReader & { reset(): void } {
  let client: Promise<pg.Client> | null = null;
  return { query, reset };

  async function query<Row extends object>(statement: Statement | string): Promise<Row[]> {
    client ??= connect();
    return (await (await client).query<Row>(typeof statement === "string" ? statement : statement.text)).rows;
  }

  async function connect(): Promise<pg.Client> {
    const opened = new pg.Client({
      connectionString: url,
      connectionTimeoutMillis: PROBE_TIMEOUT_MS,
      query_timeout: PROBE_TIMEOUT_MS,
      keepAlive: true,
      application_name: "mortar replica",
    });
    opened.on("error", () => undefined); // the next question finds out
    await opened.connect();
    return opened;
  }

  function reset(): void {
    client?.then((opened) => opened.end()).catch(() => undefined);
    client = null;
  }
}

async function readPosition(queries: ListReader, statement: string): Promise<Position> {
  const [row] = await queries.query<{ identity: string; position: string | null }>(statement);
  if (!row) throw new Error("it tells no position");
  return { identity: row.identity, position: row.position === null ? null : BigInt(row.position) };
}

/**
 * Waits until the replica has all that the primary has committed by now. Returns how long that took, or why it cannot be
 * used: it is away, is no replica of this database, or did not get there in time.
 */
export async function awaitReplica({
  primary,
  url,
  waitMs = MAX_REPLICA_LAG_MS,
}: {
  primary: ListReader;
  url: string;
  waitMs?: number;
}): Promise<{ lagMs: number } | { reason: string }> {
  const probe = createProbe(url);
  const startedAt = Date.now();
  try {
    const wanted = await readPosition(primary, READ_PRIMARY);
    for (;;) {
      const replayed = await readPosition(probe, READ_REPLICA);
      if (replayed.position === null) return { reason: "it is no replica" };
      if (replayed.identity !== wanted.identity) return { reason: "it is of another database" };
      const waitedMs = Date.now() - startedAt;
      if (wanted.position !== null && replayed.position >= wanted.position) return { lagMs: waitedMs };
      if (waitedMs > waitMs) return { reason: `it lags by more than ${waitMs / 1000} s` };
      await sleep(50);
    }
  } catch (error) {
    return { reason: messageOf(error) };
  } finally {
    probe.reset();
  }
}

/** Node says nothing but a code when a name has several addresses and none of them answers. */
function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.message || ("code" in error ? String(error.code) : error.name);
}
