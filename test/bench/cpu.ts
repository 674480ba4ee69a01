import { readdirSync, readFileSync } from "node:fs";

/** Clock ticks per second in `/proc`, on every Linux of today. */
const TICKS = 100;

/**
 * Processor time (ms, user and system) that the server and its database have used so far: the process itself, the
 * postmaster, its living children and those it has collected. Null where there is no `/proc`.
 */
export function cpuTime({ server, postmaster }: { server: number; postmaster: number }): number | null {
  try {
    const all = readdirSync("/proc")
      .filter((name) => /^\d+$/.test(name))
      .map((pid) => readStat(Number(pid)));
    const own = all.find((stat) => stat?.pid === server);
    const database = all.filter((stat) => stat && (stat.pid === postmaster || stat.parent === postmaster));
    if (!own || database.length === 0) return null;
    const ticks = own.used + database.reduce((sum, stat) => sum + (stat ? stat.used + stat.collected : 0), 0);
    return (ticks / TICKS) * 1_000;
  } catch {
    return null;
  }
}

interface Stat {
  pid: number;
  parent: number;
  used: number;
  /** By children that have ended. */
  collected: number;
}

function readStat(pid: number): Stat | null {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "utf8");
    const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
    const field = (n: number) => Number(fields[n - 3] ?? 0); // as numbered in proc(5)
    return { pid, parent: field(4), used: field(14) + field(15), collected: field(16) + field(17) };
  } catch {
    return null; // it ended meanwhile
  }
}
