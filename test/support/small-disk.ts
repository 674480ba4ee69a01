import { execFileSync } from "node:child_process";
import { chmodSync, closeSync, openSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import { makeTemporaryFolder } from "./temporary-folder.ts";

export interface SmallDisk {
  path: string;
  /** Takes all that is free, also what others give back later, until `free`. */
  fill(): void;
  free(): void;
  unmount(): void;
}

/** The operating system's. */
const MOUNT = "mount";
const UNMOUNT = "umount";

const CHUNK = Buffer.alloc(65_536, 1);

/** A file system in memory with a size of its own; null where this user may not mount one. */
export function mountSmallDisk(megabytes: number): SmallDisk | null {
  const folder = makeTemporaryFolder();
  try {
    execFileSync(MOUNT, ["-t", "tmpfs", "-o", `size=${megabytes}m,mode=755`, "tmpfs", folder.path], { stdio: "ignore" });
  } catch {
    folder.remove();
    return null;
  }
  chmodSync(folder.path, 0o755);
  const filler = join(folder.path, "filler");
  let topping: NodeJS.Timeout | undefined;
  return { path: folder.path, fill, free, unmount };

  function fill(): void {
    takeAll();
    topping = setInterval(takeAll, 50);
  }

  function takeAll(): void {
    const file = openSync(filler, "a");
    try {
      for (let size = CHUNK.length; size >= 512; size /= 2) while (isWritten(file, CHUNK.subarray(0, size)));
    } finally {
      closeSync(file);
    }
  }

  function free(): void {
    clearInterval(topping);
    rmSync(filler, { force: true });
  }

  function unmount(): void {
    free();
    execFileSync(UNMOUNT, ["--lazy", folder.path]);
    folder.remove();
  }
}

/** Whether all of it was: a disk without room takes a part, or nothing. */
function isWritten(file: number, bytes: Buffer): boolean {
  try {
    return writeSync(file, bytes) === bytes.length;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOSPC") return false;
    throw error;
  }
}
