import { execFileSync } from "node:child_process";
import { readFileSync, readlinkSync } from "node:fs";

/** Whether the process exists and still runs; a zombie, which its parent never collected, does not. */
export function isRunning(pid: number): boolean {
  if (process.platform === "linux") {
    const state = readProcStat(pid)?.[0];
    return state !== undefined && state !== "Z" && state !== "X";
  }
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}

/**
 * When the process started, in the platform's own notation: together with the pid it names a process for good, where
 * a pid alone may have been given to another one since. Empty when it does not run, or on Windows.
 */
export function startTimeOf(pid: number): string {
  if (process.platform === "linux") return readProcStat(pid)?.[19] ?? "";
  if (process.platform === "win32") return "";
  try {
    return execFileSync("ps", ["-p", String(pid), "-o", "lstart="], { encoding: "utf8" }).trim();
  } catch {
    return "";
  }
}

/** The process's working directory; null where the platform does not tell. */
export function workingDirectoryOf(pid: number): string | null {
  try {
    return readlinkSync(`/proc/${pid}/cwd`);
  } catch {
    return null;
  }
}

/** The fields of `/proc/<pid>/stat` from the state on: the command before it may itself have blanks and brackets. */
function readProcStat(pid: number): string[] | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  } catch {
    return null;
  }
}
