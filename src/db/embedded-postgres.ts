/**
 * A PostgreSQL of our own, from the programs that npm installs: the database of a server without `DATABASE_URL`.
 * It listens on the loopback interface only and is as durable as any other.
 */
import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { chownSync, existsSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { totalmem } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import type { Logger } from "pino";
import { StartError } from "../shared/start-error.ts";
import { type FolderLock, lockFolder } from "./embedded/folder-lock.ts";
import { CLUSTER_FOLDER, type Placement, placePostgres } from "./embedded/placement.ts";
import { isRunning, workingDirectoryOf } from "./embedded/processes.ts";

export interface EmbeddedPostgres {
  /** Connects as superuser; contains the password. */
  url: string;
  /** Where the data is: `dir`, or the state folder that replaces it when root runs us from a folder of its own. */
  dir: string;
  /** Stops the database after its open transactions were ended. Resolves when it is down. */
  stop(): Promise<void>;
}

export interface EmbeddedPostgresOptions {
  /** Belongs to this database alone; made when it is missing. */
  dir: string;
  log: Logger;
  /**
   * Use the database that another process runs in `dir` instead of refusing; its `stop` is then left to that
   * process. For the command line beside a running server.
   */
  share?: boolean;
  /** How many may connect at once; one that is adopted keeps what it was started with. Default 60. */
  maxConnections?: number;
}

const SETTINGS = {
  listen_addresses: "127.0.0.1",
  unix_socket_directories: "",
  shared_buffers: `${sharedBuffers()}MB`,
  jit: "off",
  log_timezone: "UTC",
  timezone: "UTC",
};
/**
 * Megabytes: a thirty-second of the memory that there is, which is taken as it is filled. A million contacts fit into 768:
 * identify is as fast then as with a thousand, and a fifth slower when half of them have to be fetched from the system.
 */
function sharedBuffers(): number {
  const limit = process.constrainedMemory(); // of a container; 0, or more than the machine has, when there is none
  const memory = Math.min(totalmem(), limit || Number.POSITIVE_INFINITY);
  return Math.min(1_024, Math.max(128, Math.floor(memory / 32 / 2 ** 20)));
}

const USER = "mortar";
const START_TIMEOUT_MS = 60_000;
const SUPERVISION_INTERVAL_MS = 250;
/** Another program took the port; a killed server's last processes, or one it was just starting, hold the data. */
const PASSING_FAILURE = /in use|already exists/;
const LOG_MAX_BYTES = 5_000_000;

/** A PostgreSQL server process, as its lock file describes it. */
interface Postmaster {
  pid: number;
  port: number;
}

/** Where it is, and how it is started. */
type Configured = Placement & { maxConnections: number };

/**
 * Starts the database, or adopts the one a killed process left behind, and starts it again whenever it dies. One
 * process at a time owns a folder; throws {@link StartError} when another one does.
 */
export async function startEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const { dir, log, share = false, maxConnections = 60 } = options;
  const placement = { ...placePostgres({ dir, log }), maxConnections };
  const lock = lockFolder(placement.home);
  if ("pid" in lock) {
    if (share) return await connectToOther(placement);
    throw new StartError(
      `The database in ${placement.home} is in use by another server (process ${lock.pid}); stop it, or set DATA_DIR to another folder`,
    );
  }
  try {
    return await own(placement, lock, log);
  } catch (error) {
    lock.release();
    throw error;
  }
}

async function own(placement: Configured, lock: FolderLock, log: Logger): Promise<EmbeddedPostgres> {
  const password = await prepareCluster(placement);
  const postmaster = await bringUp(placement, password, log);
  const supervision = supervise(placement, postmaster, log);
  return { url: urlOf(postmaster.port, password), dir: placement.home, stop };

  async function stop(): Promise<void> {
    await supervision.end();
    await stopPostmaster(placement);
    lock.release();
  }
}

/** Waits until the process that holds the folder has its database up. */
async function connectToOther(placement: Placement): Promise<EmbeddedPostgres> {
  const deadline = Date.now() + START_TIMEOUT_MS;
  while (Date.now() < deadline) {
    const postmaster = readPostmaster(placement);
    const password = readPassword(placement);
    if (postmaster && password !== null && (await answers(postmaster.port, password)))
      return { url: urlOf(postmaster.port, password), dir: placement.home, stop: async () => undefined };
    await sleep(100);
  }
  throw new StartError(`The database in ${placement.home} belongs to another process and does not answer`);
}

/** Makes the cluster if there is none. Returns the password. */
async function prepareCluster(placement: Placement): Promise<string> {
  const cluster = clusterOf(placement);
  const password = readPassword(placement) ?? makePassword(placement);
  if (existsSync(cluster)) return password;
  // Made beside its place and moved there when complete, so that an interrupted first start leaves nothing that looks
  // finished. Each has a name of its own, because the program that makes it outlives a killed server for a moment.
  const unfinished = `${cluster}.unfinished-${randomBytes(4).toString("hex")}`;
  const { failed, output } = await run(placement, placement.initdb, [
    ...["-D", unfinished, "-U", USER, "--pwfile", passwordFile(placement), "--auth=scram-sha-256"],
    ...["--encoding=UTF8", "--locale=C", "--data-checksums"],
  ]);
  if (failed) throw new StartError(`The embedded database cannot be made in ${placement.home}: ${reasonIn(output)}`);
  renameSync(unfinished, cluster);
  removeUnfinished(placement);
  return password;
}

/** Removes what interrupted first starts left, if nobody is writing to it any more. */
function removeUnfinished({ home }: Placement): void {
  for (const name of readdirSync(home).filter((entry) => entry.startsWith(`${CLUSTER_FOLDER}.unfinished-`))) {
    try {
      rmSync(join(home, name), { recursive: true, force: true });
    } catch {
      // it only takes room
    }
  }
}

/** The database that a killed process left running, once it answers; null when there is none. */
async function adopt(placement: Placement, password: string, log: Logger): Promise<Postmaster | null> {
  const left = readPostmaster(placement);
  if (!left) return null;
  const deadline = Date.now() + START_TIMEOUT_MS;
  while (isPostmaster(placement, left.pid)) {
    if (await answers(left.port, password)) {
      log.info({ postmaster: left.pid, port: left.port }, "embedded database of a killed process adopted");
      return left;
    }
    if (Date.now() > deadline)
      throw new StartError(`A PostgreSQL (process ${left.pid}) holds ${placement.home} and does not answer`);
    await sleep(100);
  }
  forgetPostmaster(placement);
  log.info({ postmaster: left.pid }, "lock of a killed embedded database removed");
  return null;
}

/** Adopts what runs already, or starts it on a free port. */
async function bringUp(placement: Configured, password: string, log: Logger): Promise<Postmaster> {
  const deadline = Date.now() + START_TIMEOUT_MS;
  for (;;) {
    const adopted = await adopt(placement, password, log);
    if (adopted) return adopted;
    const failure = await startPostmaster(placement, await findFreePort());
    if (failure === null) return startedPostmaster(placement);
    if (!PASSING_FAILURE.test(failure) || Date.now() > deadline)
      throw new StartError(`The embedded database does not start: ${failure}`);
    await sleep(250);
  }
}

/** Watches the database and starts it again on its port when it dies, until ended. */
function supervise(placement: Configured, first: Postmaster, log: Logger): { end(): Promise<void> } {
  const ending = new AbortController();
  const pause = (ms: number) => sleep(ms, undefined, { ref: false, signal: ending.signal }).catch(() => undefined);
  const watching = watch();
  return { end };

  async function watch(): Promise<void> {
    let { pid } = first;
    while (!ending.signal.aborted) {
      await pause(SUPERVISION_INTERVAL_MS);
      if (ending.signal.aborted || isRunning(pid)) continue;
      log.error({ postmaster: pid }, "embedded database died");
      pid = await restart(pid);
    }
  }

  async function restart(died: number): Promise<number> {
    for (let tries = 1; !ending.signal.aborted; tries++) {
      forgetPostmaster(placement);
      const failure = await startPostmaster(placement, first.port);
      if (failure === null) {
        const { pid } = startedPostmaster(placement);
        log.warn({ postmaster: pid, port: first.port }, "embedded database started again");
        return pid;
      }
      // The dead server's other processes keep its memory until they notice; PostgreSQL refuses to start before.
      if (tries % 20 === 1) log.warn({ reason: failure }, "embedded database cannot be started again yet");
      await pause(Math.min(100 * tries, 2_000));
    }
    return died;
  }

  async function end(): Promise<void> {
    ending.abort();
    await watching;
  }
}

/** Returns why it failed, or null. */
async function startPostmaster(placement: Configured, port: number): Promise<string | null> {
  const logFile = join(placement.home, "server.log");
  if (sizeOf(logFile) > LOG_MAX_BYTES) renameSync(logFile, `${logFile}.1`);
  const logStart = sizeOf(logFile);
  const own = { port: String(port), max_connections: String(placement.maxConnections) };
  const settings = Object.entries({ ...SETTINGS, ...own }).map(([name, value]) => `-c ${name}=${value}`);
  const { failed, output } = await run(placement, placement.pgCtl, [
    ...["start", "-D", clusterOf(placement), "-w", "-t", String(START_TIMEOUT_MS / 1000), "-l", logFile],
    ...["-o", settings.join(" ")],
  ]);
  if (!failed) return null;
  const fatal = existsSync(logFile) ? /FATAL: +(.*)/.exec(readFileSync(logFile).subarray(logStart).toString()) : null;
  return fatal?.[1] ?? reasonIn(output);
}

async function stopPostmaster(placement: Placement): Promise<void> {
  const postmaster = readPostmaster(placement);
  if (!postmaster || !isPostmaster(placement, postmaster.pid)) return;
  for (const mode of ["fast", "immediate"]) {
    const args = ["stop", "-D", clusterOf(placement), "-m", mode, "-w", "-t", "15"];
    const { failed } = await run(placement, placement.pgCtl, args);
    if (!failed || !isRunning(postmaster.pid)) return;
  }
}

/** Whether the process is this cluster's server, and not one that got a dead server's pid. */
function isPostmaster(placement: Placement, pid: number): boolean {
  if (!isRunning(pid)) return false;
  const folder = workingDirectoryOf(pid);
  return folder === null ? process.platform !== "linux" : folder === clusterOf(placement);
}

/** Removes a lock file whose process is dead or a stranger. The memory a dead server left is still checked by the next. */
function forgetPostmaster(placement: Placement): void {
  rmSync(join(clusterOf(placement), "postmaster.pid"), { force: true });
}

function startedPostmaster(placement: Placement): Postmaster {
  const postmaster = readPostmaster(placement);
  if (!postmaster) throw new StartError(`The embedded database in ${placement.home} ended as soon as it had started`);
  return postmaster;
}

function readPostmaster(placement: Placement): Postmaster | null {
  try {
    const [pid, , , port] = readFileSync(join(clusterOf(placement), "postmaster.pid"), "utf8").split("\n");
    return { pid: Number(pid), port: Number(port) };
  } catch {
    return null;
  }
}

/** Whether our database is behind the port: a stranger's does not know the password. */
async function answers(port: number, password: string): Promise<boolean> {
  const client = new pg.Client({ connectionString: urlOf(port, password), connectionTimeoutMillis: 1_000, query_timeout: 1_000 });
  client.on("error", () => undefined);
  try {
    await client.connect();
    await client.query("select 1");
    return true;
  } catch {
    return false;
  } finally {
    await client.end().catch(() => undefined);
  }
}

function makePassword(placement: Placement): string {
  const password = randomBytes(24).toString("base64url");
  writeFileSync(passwordFile(placement), password, { mode: 0o600 });
  if (placement.account) chownSync(passwordFile(placement), placement.account.uid, placement.account.gid);
  return password;
}

function readPassword(placement: Placement): string | null {
  return existsSync(passwordFile(placement)) ? readFileSync(passwordFile(placement), "utf8") : null;
}

function findFreePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      const port = typeof address === "object" && address !== null ? address.port : 0;
      server.close(() => resolve(port));
    });
  });
}

/** Runs one of PostgreSQL's programs as its account, in a bare environment. */
function run({ home, account }: Placement, program: string, args: string[]): Promise<{ failed: boolean; output: string }> {
  const env = { PATH: "/usr/bin:/bin", LC_ALL: "C", TZ: "UTC", HOME: home };
  return new Promise((resolve) => {
    execFile(program, args, { ...account, cwd: home, env, timeout: 2 * START_TIMEOUT_MS }, (error, stdout, stderr) => {
      resolve({ failed: error !== null, output: stdout + stderr || (error?.message ?? "") });
    });
  });
}

const clusterOf = ({ home }: Placement) => join(home, CLUSTER_FOLDER);
const passwordFile = ({ home }: Placement) => join(home, "password");
const urlOf = (port: number, password: string) => `postgresql://${USER}:${password}@127.0.0.1:${port}/postgres`;
const sizeOf = (file: string) => (existsSync(file) ? statSync(file).size : 0);
/** The first line that names an error; else the last one. */
const reasonIn = (output: string): string => {
  const lines = output.trim().split("\n");
  return lines.find((line) => /error:|FATAL:/.test(line)) ?? lines.at(-1) ?? "";
};
