import { PrismaPg } from "@prisma/adapter-pg";
import pg from "pg";
import type { Logger } from "pino";
import { unavailable } from "../shared/problem.ts";
import { isRetryable } from "./errors.ts";
import { PrismaClient } from "./generated/client.ts";
import { beginUnit, currentUnit, hasActor, nameActor, type UnitOfWork } from "./write-scope.ts";

export { Prisma } from "./generated/client.ts";
export type * from "./generated/models.ts";

/** A statement that is prepared once per connection under its name. The name is unique in the program. */
export interface Statement {
  name: string;
  text: string;
}

/** Runs statements inside a transaction. */
export interface Transaction {
  query<Row extends object>(statement: Statement | string, values?: unknown[]): Promise<Row[]>;
  /** Runs `effect` once the transaction is committed; not at all when it is rolled back. */
  afterCommit(effect: () => void): void;
}

export type Database = ReturnType<typeof openDatabase>;

const MAX_TRIES = 4;

/** Statements that change rows; in the name of an actor they are run in a transaction that says so. */
const WRITES = /^\s*(?:insert|update|delete|with)\b/i;

/** How long a request waits for others to finish before it begins a unit of work. */
const UNIT_TIMEOUT_MS = 2_500;

/**
 * How named statements are planned: once per connection, for any values, by index. They are written for it; planning
 * identify anew for each call takes four times as long as running it. See {@link createPlanClock} for tables that grow.
 */
export const PLAN_FOR_NAMED = "set plan_cache_mode = force_generic_plan; set enable_seqscan = off; set jit = off";

/**
 * How statements are planned until the end of a transaction that writes many rows: by index too, but each time anew. A plan
 * made while the tables were small may use any index of them, and would go on doing so while the transaction's like fill
 * them; beside what such a statement does, planning it costs nothing.
 */
export const PLAN_FOR_BULK = "set local plan_cache_mode = force_custom_plan; set local enable_seqscan = off; set local jit = off";

export interface DatabaseOptions {
  url: string;
  poolSize: number;
  /**
   * False behind a pooler that gives each transaction another connection: then statements are planned for each call,
   * and nothing is set on a connection. Default true.
   */
  prepared?: boolean;
  log: Logger;
}

/**
 * The database: Prisma for ordinary queries, `query` and `transaction` for SQL. Named statements have connections of
 * their own, a third of the pool. Connecting fails after 2.5 s and a query after 10 s, so that a database that is away
 * is noticed in time.
 */
export function openDatabase({ url, poolSize, prepared = true, log }: DatabaseOptions) {
  const namedSize = Math.max(1, Math.floor(poolSize / 3));
  // A unit of work holds a connection while its request reads over another.
  const max = Math.max(2, poolSize - namedSize);
  const pool = openPool({ url, max, log });
  const units = createSlots(Math.floor(max / 2));
  const namedPool = openPool({ url, max: namedSize, log, ...(prepared && { settings: PLAN_FOR_NAMED }) });
  const plans = createPlanClock(Date.now);
  const prisma = new PrismaClient({ adapter: new PrismaPg(pool) });
  return { prisma, query, transaction, openUnit, isReachable, connections, close, namedConnections: namedSize };

  function toQuery(statement: Statement | string, values: unknown[]): pg.QueryConfig {
    if (typeof statement === "string") return { text: statement, values };
    return prepared ? { ...statement, values } : { text: statement.text, values };
  }

  /** Open connections, those of them that nobody uses, and statements that wait for one. */
  function connections(): { total: number; idle: number; waiting: number } {
    const pools = [pool, namedPool];
    const sum = (count: (each: pg.Pool) => number) => pools.reduce((total, each) => total + count(each), 0);
    return {
      total: sum((each) => each.totalCount),
      idle: sum((each) => each.idleCount),
      waiting: sum((each) => each.waitingCount),
    };
  }

  /**
   * Runs one statement on any connection. Within a unit of work an unnamed one is a part of it; named ones never are,
   * because what they fill is shared: caches, and calls of several requests that go together.
   */
  async function query<Row extends object>(statement: Statement | string, values: unknown[] = []): Promise<Row[]> {
    if (typeof statement === "string") {
      const unit = currentUnit();
      if (unit) return await unit.nest((tx) => tx.query<Row>(statement, values));
      if (hasActor() && WRITES.test(statement)) return await runOnce((tx) => tx.query<Row>(statement, values));
    }
    if (typeof statement !== "string" && prepared) return await queryNamed(statement, values);
    const { rows } = await (typeof statement === "string" ? pool : namedPool).query<Row>(toQuery(statement, values));
    return rows;
  }

  async function queryNamed<Row extends object>(statement: Statement, values: unknown[]): Promise<Row[]> {
    const client = await namedPool.connect();
    let broken: Error | undefined;
    try {
      if (plans.areOld(client)) await client.query("discard plans");
      const { rows } = await client.query<Row>({ ...statement, values });
      return rows;
    } catch (error) {
      // A refusal of the database leaves the connection as it was; of anything else nobody knows.
      if (!(error instanceof pg.DatabaseError)) broken = error instanceof Error ? error : new Error(String(error));
      throw error;
    } finally {
      client.release(broken);
    }
  }

  /**
   * Runs `work` in a transaction (read committed) and commits. What the database asks to be repeated (a deadlock, a
   * serialization failure) is repeated up to three times, so `work` must have no effect outside of it. Within a unit of
   * work it is a part of that, undone alone when it fails.
   */
  async function transaction<Result>(work: (tx: Transaction) => Promise<Result>): Promise<Result> {
    for (let tries = 1; ; tries++) {
      try {
        const unit = currentUnit();
        return await (unit ? unit.nest(work) : runOnce(work));
      } catch (error) {
        if (tries === MAX_TRIES || !isRetryable(error)) throw error;
        await new Promise((resume) => setTimeout(resume, Math.random() * 20 * tries));
      }
    }
  }

  async function runOnce<Result>(work: (tx: Transaction) => Promise<Result>): Promise<Result> {
    const client = await pool.connect();
    const effects: (() => void)[] = [];
    let broken: Error | undefined;
    try {
      await client.query("begin");
      await nameActor(client);
      const result = await work(transactionOf(client, (effect) => effects.push(effect)));
      const { command } = await client.query("commit");
      if (command !== "COMMIT") throw new Error("the transaction was rolled back"); // a failed statement was swallowed
      for (const effect of effects) effect();
      return result;
    } catch (error) {
      await client.query("rollback").catch((failure: Error) => {
        broken = failure; // a connection that cannot roll back is not given back to the pool
      });
      throw error;
    } finally {
      client.release(broken);
    }
  }

  function transactionOf(client: pg.ClientBase, afterCommit: Transaction["afterCommit"]): Transaction {
    return {
      query: async <Row extends object>(statement: Statement | string, values: unknown[] = []) =>
        (await client.query<Row>(toQuery(statement, values))).rows,
      afterCommit,
    };
  }

  /**
   * Begins one transaction around all that a request does. At most half of the connections are used for such; who has
   * waited too long for one is told to try later. Throws `unavailable`.
   */
  async function openUnit(): Promise<UnitOfWork> {
    const giveBack = await units.take(UNIT_TIMEOUT_MS);
    try {
      const client = await pool.connect();
      return await beginUnit(client, transactionOf, (broken) => {
        client.release(broken);
        giveBack();
      });
    } catch (error) {
      giveBack();
      throw error;
    }
  }

  /** Whether the database answers a trivial query within a second. */
  async function isReachable(): Promise<boolean> {
    const timeout = new Promise<false>((resolve) => setTimeout(resolve, 1_000, false).unref());
    const answer = pool.query("select 1").then(
      () => true,
      () => false,
    );
    return Promise.race([answer, timeout]);
  }

  async function close(): Promise<void> {
    await prisma.$disconnect();
    await Promise.all([pool, namedPool].map((each) => (each.ended ? undefined : each.end())));
  }
}

/** After so long (ms) a connection plans its statements anew. */
const PLAN_LIFETIME_MS = 60_000;

/**
 * Tells when a connection is to forget its plans: after 16 uses, 64, 256 and so on, and every minute. A plan that was made
 * while a table was empty may read all of it by any index, and PostgreSQL keeps it until the next ANALYZE, which comes
 * minutes after the table has grown. Planning anew looks at the size that the table has.
 */
function createPlanClock(now: () => number) {
  const clients = new WeakMap<pg.PoolClient, { uses: number; limit: number; since: number }>();
  return { areOld };

  function areOld(client: pg.PoolClient): boolean {
    const plans = clients.get(client);
    if (!plans) {
      clients.set(client, { uses: 1, limit: 16, since: now() });
      return false;
    }
    plans.uses++;
    if (plans.uses < plans.limit && now() - plans.since < PLAN_LIFETIME_MS) return false;
    if (plans.uses >= plans.limit) plans.limit *= 4;
    plans.since = now();
    return true;
  }
}

/** Lets `count` callers in at a time, in the order in which they came. */
function createSlots(count: number) {
  let free = count;
  const waiting = new Set<() => void>();
  return { take };

  /** Resolves to what gives the slot back; calling that again does nothing. Throws `unavailable`. */
  async function take(timeoutMs: number): Promise<() => void> {
    if (free > 0) free--;
    else await wait(timeoutMs);
    let isHeld = true;
    return () => {
      if (!isHeld) return;
      isHeld = false;
      const [next] = waiting;
      if (next) next();
      else free++;
    };
  }

  function wait(timeoutMs: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const enter = () => {
        waiting.delete(enter);
        clearTimeout(timer);
        resolve();
      };
      const timer = setTimeout(() => {
        waiting.delete(enter);
        reject(unavailable("Too many requests with an idempotency key are under way", 1));
      }, timeoutMs);
      waiting.add(enter);
    });
  }
}

/** @param settings sent once on each new connection */
function openPool({ url, max, log, settings }: { url: string; max: number; log: Logger; settings?: string }): pg.Pool {
  const pool = new pg.Pool({
    connectionString: url,
    max,
    connectionTimeoutMillis: 2_500,
    query_timeout: 10_000,
    keepAlive: true,
    idleTimeoutMillis: 60_000,
    application_name: "mortar",
    ...(settings !== undefined && { onConnect: (client: pg.ClientBase) => client.query(settings) }),
  });
  pool.on("error", (error) => log.warn({ reason: error.message }, "idle database connection lost"));
  // One that is lost in the middle of a transaction, between two statements, has nobody else to tell; without a listener
  // Node would end the process. The next statement fails.
  pool.on("connect", (client) => client.on("error", () => undefined));
  return pool;
}
