import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { chmodSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import pg from "pg";
import { makeTemporaryFolder } from "./temporary-folder.ts";

/** Installed or not, by the operating system's packages. */
const PROGRAM = "pgbouncer";

/** It runs as root no more than PostgreSQL does; this is `nobody`. */
const UNPRIVILEGED = { uid: 65_534, gid: 65_534 };

export interface PgBouncer {
  /** Leads through the pooler. */
  url: string;
  stop(): Promise<void>;
}

export function hasPgBouncer(): boolean {
  try {
    execFileSync(PROGRAM, ["--version"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

/** A pooler in transaction mode with three connections to the database of `url`. */
export async function startPgBouncer(url: string): Promise<PgBouncer> {
  const folder = makeTemporaryFolder();
  const database = new URL(url);
  const port = await findFreePort();
  const file = join(folder.path, "pgbouncer.ini");
  writeFileSync(
    file,
    `[databases]
pooled = host=${database.hostname} port=${database.port} dbname=${database.pathname.slice(1)} user=${database.username} password=${database.password}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 3
`,
  );
  chmodSync(file, 0o644);
  const bouncer = spawn(PROGRAM, [file], { stdio: "ignore", ...(process.getuid?.() === 0 && UNPRIVILEGED) });
  const pooled = `postgresql://anyone@127.0.0.1:${port}/pooled`;
  await waitUntilItServes(pooled, bouncer);
  return { url: pooled, stop };

  async function stop(): Promise<void> {
    bouncer.kill("SIGKILL");
    await new Promise((resolve) => bouncer.once("exit", resolve));
    folder.remove();
  }
}

async function waitUntilItServes(url: string, bouncer: ChildProcess): Promise<void> {
  for (const deadline = Date.now() + 10_000; Date.now() < deadline && bouncer.exitCode === null; ) {
    const client = new pg.Client({ connectionString: url });
    client.on("error", () => undefined);
    try {
      await client.connect();
      await client.query("select 1");
      return;
    } catch {
      await new Promise((resume) => setTimeout(resume, 100));
    } finally {
      client.end().catch(() => undefined);
    }
  }
  throw new Error(`pgbouncer does not serve (status ${bouncer.exitCode})`);
}

function findFreePort(): Promise<number> {
  return new Promise((resolve) => {
    const probe = createServer().listen(0, "127.0.0.1", () => {
      const address = probe.address();
      probe.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0));
    });
  });
}
