import { randomUUID } from "node:crypto";
import { linkSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { isRunning, startTimeOf } from "./processes.ts";

/** The process that holds a folder. */
export interface LockHolder {
  pid: number;
  startTime: string;
}

export interface FolderLock {
  release(): void;
}

/** A claim older than this was left by a process that died while it took a lock over. */
const CLAIM_TIMEOUT_MS = 10_000;

/**
 * Takes the folder for this process. A lock whose holder is dead is taken over; of several that try at once, one
 * succeeds. Returns the holder when there is a living one. It holds between the processes of one machine, not
 * between containers that share a volume.
 */
export function lockFolder(folder: string): FolderLock | LockHolder {
  const file = join(folder, "owner.lock");
  const own: LockHolder = { pid: process.pid, startTime: startTimeOf(process.pid) };
  const release = () => {
    if (sameHolder(readHolder(file), own)) rmSync(file, { force: true });
  };
  if (createFile(file, own)) return { release };
  const holder = readHolder(file);
  if (holder && isAlive(holder)) return holder;
  return takeOver(file, own) ?? { release };
}

/** Replaces a dead holder's lock; returns the living holder when another process was faster. */
function takeOver(file: string, own: LockHolder): LockHolder | null {
  const claim = `${file}.claim`;
  if (ageMs(claim) > CLAIM_TIMEOUT_MS) rmSync(claim, { force: true });
  if (!createFile(claim, own)) return readHolder(claim) ?? own;
  try {
    const holder = readHolder(file); // again: the dead one's may have been replaced before the claim was ours
    if (holder && isAlive(holder)) return holder;
    renameSync(writeDraft(file, own), file);
    return null;
  } finally {
    rmSync(claim, { force: true });
  }
}

const isAlive = ({ pid, startTime }: LockHolder): boolean => isRunning(pid) && startTimeOf(pid) === startTime;

const sameHolder = (one: LockHolder | null, other: LockHolder): boolean =>
  one?.pid === other.pid && one.startTime === other.startTime;

/** Makes the file with its whole content at once, so that nobody reads half of it. False when it exists. */
function createFile(file: string, holder: LockHolder): boolean {
  const draft = writeDraft(file, holder);
  try {
    linkSync(draft, file);
    return true;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EEXIST") return false;
    throw error;
  } finally {
    rmSync(draft, { force: true });
  }
}

function writeDraft(file: string, { pid, startTime }: LockHolder): string {
  const draft = `${file}.${randomUUID()}`;
  writeFileSync(draft, `${pid} ${startTime}\n`);
  return draft;
}

function readHolder(file: string): LockHolder | null {
  try {
    const match = /^(\d+) (.*)$/m.exec(readFileSync(file, "utf8"));
    return match ? { pid: Number(match[1]), startTime: match[2] ?? "" } : null;
  } catch {
    return null;
  }
}

function ageMs(file: string): number {
  try {
    return Date.now() - statSync(file).mtimeMs;
  } catch {
    return 0;
  }
}
