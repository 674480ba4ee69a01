import { execFileSync } from "node:child_process";
import { appendFileSync, chownSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import pg from "pg";
import { pino } from "pino";
import { startEmbeddedPostgres } from "../../src/db/embedded-postgres.ts";
import { migrate } from "../../src/db/migrate.ts";
import { makeTemporaryFolder } from "./temporary-folder.ts";

export interface ReplicatedDatabase {
  /** Migrated. */
  primaryUrl: string;
  replicaUrl: string;
  /** From now on nothing reaches the replica's tables, until `resume`. */
  pause(): Promise<void>;
  resume(): Promise<void>;
  /** Makes a primary of the replica. */
  promote(): Promise<void>;
  stop(): Promise<void>;
}

const log = pino({ level: "silent" });

/** A PostgreSQL and a streaming replica of it, which began as a copy of its files. */
export async function startReplicatedDatabase(): Promise<ReplicatedDatabase> {
  const folder = makeTemporaryFolder();
  const [primaryDir, replicaDir] = [join(folder.path, "primary"), join(folder.path, "replica")];
  const first = await startEmbeddedPostgres({ dir: primaryDir, log });
  await migrate({ url: first.url, log });
  await first.stop();
  execFileSync("cp", ["-a", primaryDir, replicaDir]);
  const primary = await startEmbeddedPostgres({ dir: primaryDir, log });
  follow(join(replicaDir, "data"), new URL(primary.url));
  const replica = await startEmbeddedPostgres({ dir: replicaDir, log });
  const onReplica = (statement: string) => run(replica.url, statement);
  return {
    primaryUrl: primary.url,
    replicaUrl: replica.url,
    pause: () => onReplica("select pg_wal_replay_pause()"),
    resume: () => onReplica("select pg_wal_replay_resume()"),
    promote: () => onReplica("select pg_promote()"),
    stop,
  };

  async function stop(): Promise<void> {
    await replica.stop();
    await primary.stop();
    folder.remove();
  }
}

/** Makes the copied files those of a replica. */
function follow(cluster: string, { hostname, port, username, password }: URL): void {
  const signal = join(cluster, "standby.signal");
  writeFileSync(signal, "");
  const { uid, gid } = statSync(cluster);
  chownSync(signal, uid, gid);
  appendFileSync(
    join(cluster, "postgresql.auto.conf"),
    `primary_conninfo = 'host=${hostname} port=${port} user=${username} password=${password} application_name=replica'\n`,
  );
}

async function run(url: string, statement: string): Promise<void> {
  const client = new pg.Client(url);
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}
