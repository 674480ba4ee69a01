/** What `mortar doctor` asks the database. */
import type { Config } from "../config/env.ts";
import { pendingMigrations } from "../db/migrate.ts";
import { awaitReplica } from "../db/read-replica.ts";
import { openSession, type Session } from "../db/session.ts";
import { type Finding, hint, ok, problem } from "./finding.ts";

/** PostgreSQL's `server_version_num`. */
const OLDEST_VERSION = 150_000;

/** Tokens and links of ours live by the second. */
const MAX_CLOCK_DIFFERENCE_MS = 2_000;

export async function examineServer(session: Session, config: Config): Promise<Finding[]> {
  return [
    await examineVersion(session),
    ...(await examineSettings(session, config)),
    ...(await examineReplica(session, config)),
    await examineClock(session),
    await examineMigrations(session),
  ];
}

async function examineVersion(session: Session): Promise<Finding> {
  const [row] = await session.query<{ number: number; version: string }>(
    "select current_setting('server_version_num')::integer as number, current_setting('server_version') as version",
  );
  const { number = 0, version = "unknown" } = row ?? {};
  return number >= OLDEST_VERSION
    ? ok("database", `PostgreSQL ${version} answers`)
    : problem("database", `PostgreSQL ${version} is too old: use version 15 or newer`);
}

/** Nothing without a DATABASE_REPLICA_URL. */
async function examineReplica(primary: Session, { DATABASE_REPLICA_URL: url }: Config): Promise<Finding[]> {
  if (url === undefined) return [];
  const what = "read replica";
  const state = await awaitReplica({ primary, url });
  if ("reason" in state)
    return [problem(what, `not used: ${state.reason}; check DATABASE_REPLICA_URL, the replica and its link to the primary`)];
  const replica = await openSession({ url, name: "doctor" });
  try {
    const [row] = await replica.query<{ feedback: string }>("select current_setting('hot_standby_feedback') as feedback");
    if (row?.feedback === "on") return [ok(what, `follows the primary, ${state.lagMs} ms behind`)];
    return [hint(what, "hot_standby_feedback is off, so the primary's vacuum breaks long exports off: switch it on there")];
  } finally {
    await replica.close();
  }
}

async function examineMigrations(session: Session): Promise<Finding> {
  const pending = await pendingMigrations(session);
  return pending.length === 0
    ? ok("migrations", "all are applied")
    : problem("migrations", `${pending.length} not applied, first ${pending[0]}: run mortar migrate`);
}

interface Settings {
  connections: number;
  reserved: number;
  encoding: string;
  fsync: string;
  fullPageWrites: string;
  autovacuum: string;
  isReadOnly: boolean;
}

const SETTINGS = `select
  current_setting('max_connections')::integer as connections,
  current_setting('superuser_reserved_connections')::integer as reserved,
  current_setting('server_encoding') as encoding,
  current_setting('fsync') as fsync,
  current_setting('full_page_writes') as "fullPageWrites",
  current_setting('autovacuum') as autovacuum,
  pg_is_in_recovery() or current_setting('default_transaction_read_only') = 'on' as "isReadOnly"`;

async function examineSettings(session: Session, config: Config): Promise<Finding[]> {
  const [settings] = await session.query<Settings>(SETTINGS);
  if (!settings) return [];
  const findings = judgeSettings(settings, config);
  return findings.length > 0 ? findings : [ok("settings", "the database's suit the server")];
}

/** Only what is not as it should be. */
export function judgeSettings(settings: Settings, { DATABASE_POOL_SIZE }: Pick<Config, "DATABASE_POOL_SIZE">): Finding[] {
  const { connections, reserved, encoding, fsync, fullPageWrites, autovacuum, isReadOnly } = settings;
  const free = connections - reserved;
  const needed = DATABASE_POOL_SIZE + OTHER_CONNECTIONS;
  return [
    ...(isReadOnly ? [problem("settings", "the database is read-only: point DATABASE_URL at the primary")] : []),
    ...(encoding === "UTF8"
      ? []
      : [problem("settings", `the database's encoding is ${encoding}: make one with encoding UTF8, as names need it`)]),
    ...(fsync === "off" || fullPageWrites === "off"
      ? [problem("settings", "fsync or full_page_writes is off, so a power cut loses what was acknowledged: switch both on")]
      : []),
    ...(autovacuum === "off" ? [hint("settings", "autovacuum is off, so tables only grow: switch it on")] : []),
    ...(needed > free
      ? [
          problem(
            "settings",
            `max_connections leaves ${free}, and a server takes ${needed}: raise it, or lower DATABASE_POOL_SIZE`,
          ),
        ]
      : []),
    ...(needed <= free && needed * 2 > free
      ? [hint("settings", `max_connections leaves ${free} and a server takes ${needed}: a second one needs more, or a pooler`)]
      : []),
  ];
}

/** Of one server beside its pool: change notices, the job queue, a command at the same time. */
const OTHER_CONNECTIONS = 4;

async function examineClock(session: Session): Promise<Finding> {
  const before = Date.now();
  const [row] = await session.query<{ ms: number }>("select extract(epoch from clock_timestamp())::float8 * 1000 as ms");
  return judgeClock(row?.ms ?? Number.NaN, { before, after: Date.now() });
}

/** @param databaseMs what the database's clock said at some time between the two of ours */
export function judgeClock(databaseMs: number, { before, after }: { before: number; after: number }): Finding {
  const differenceMs = databaseMs < before ? before - databaseMs : Math.max(0, databaseMs - after);
  if (differenceMs <= MAX_CLOCK_DIFFERENCE_MS) return ok("clock", "as the database's");
  const seconds = Math.round(differenceMs / 1000);
  return problem("clock", `${seconds} s from the database's: let both machines follow a time server (timedatectl, chrony)`);
}
