/** Counts for the rate limits of several servers, in a table that is not written to PostgreSQL's log. */
import pg from "pg";
import type { Logger } from "pino";
import type { SharedCounts } from "../shared/shared-counts.ts";

/** A database that takes longer than this holds requests up for a limit's sake: they are served uncounted instead. */
const TIMEOUT_MS = 1_000;

const SWEEP_INTERVAL_MS = 60_000;
const SWEEP_ROWS = 20_000;

/** Keys come sorted, so that two servers lock the rows they share in the same order. */
const ADD = `
  insert into rate_counts as r (key, count, until)
  select a.key, a.requests, to_timestamp((floor(extract(epoch from now()) * 1000 / a.window_ms) + 1) * a.window_ms / 1000)
  from unnest($1::text[], $2::int[], $3::float8[]) as a(key, requests, window_ms)
  on conflict (key) do update set
    count = case when r.until <= now() then excluded.count else r.count + excluded.count end,
    until = case when r.until <= now() then excluded.until else r.until end
  returning key, count as total, greatest(extract(epoch from until - now()) * 1000, 1)::float8 as "leftMs"`;

const SWEEP = `
  delete from rate_counts where key in
    (select key from rate_counts where until < now() order by until limit $1 for update skip locked)`;

interface CountRow {
  key: string;
  total: number;
  leftMs: number;
}

/**
 * Over a connection of its own: counting goes on while all others are in use, and takes none from those who are served.
 * @param url may lead through a transaction pooler
 */
export function openRateCounts({ url, log }: { url: string; log: Logger }): SharedCounts {
  const pool = new pg.Pool({
    connectionString: url,
    max: 1,
    connectionTimeoutMillis: TIMEOUT_MS,
    query_timeout: TIMEOUT_MS,
    keepAlive: true,
    application_name: "mortar limits",
  });
  pool.on("error", (error) => log.warn({ err: error }, "connection of the rate limits lost"));
  const sweeping = setInterval(() => void sweep(), SWEEP_INTERVAL_MS).unref();
  return { add, close };

  async function add(additions: Parameters<SharedCounts["add"]>[0]): ReturnType<SharedCounts["add"]> {
    const sorted = additions.toSorted((a, b) => (a.key < b.key ? -1 : 1));
    const { rows } = await pool.query<CountRow>(ADD, [
      sorted.map(({ key }) => key),
      sorted.map(({ requests }) => requests),
      sorted.map(({ windowMs }) => windowMs),
    ]);
    const counted = new Map(rows.map(({ key, total, leftMs }) => [key, { total, leftMs }]));
    return additions.map(({ key }) => counted.get(key) ?? { total: 0, leftMs: 0 });
  }

  /** Windows that are over. Several servers share the work: none waits for a row that another one deletes. */
  async function sweep(): Promise<void> {
    try {
      await pool.query(SWEEP, [SWEEP_ROWS]);
    } catch (error) {
      log.debug({ err: error }, "old rate counts not deleted");
    }
  }

  async function close(): Promise<void> {
    clearInterval(sweeping);
    await pool.end();
  }
}
