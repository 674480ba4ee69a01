/** The server as it is shipped, run as a process of its own. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { makeTemporaryFolder } from "../support/temporary-folder.ts";

const PATIENCE_MS = 60_000;

export interface BuiltServer {
  url: string;
  pid: number;
  stop(): Promise<void>;
}

/**
 * Starts `dist/main.js` on a free port and an empty folder; resolves when it is ready.
 * @param cores of the machine that it and its database may use, as `taskset` takes them; absent: all
 */
export async function startBuiltServer(variables: Record<string, string> = {}, cores?: string): Promise<BuiltServer> {
  const folder = makeTemporaryFolder();
  const port = await findFreePort();
  const env = { PATH: process.env.PATH ?? "", DATA_DIR: join(folder.path, "data"), PORT: String(port), ...variables };
  const command = [...(cores === undefined ? [] : ["taskset", "-c", cores]), process.execPath, "dist/main.js"];
  const server = spawn(command[0] ?? "", command.slice(1), { env, stdio: "ignore" });
  const url = `http://127.0.0.1:${port}`;
  try {
    await waitFor(`${url}/ready`);
  } catch (error) {
    await stop();
    throw error;
  }
  return { url, pid: server.pid ?? 0, stop };

  async function stop(): Promise<void> {
    if (server.exitCode === null) {
      server.kill("SIGTERM");
      await once(server, "exit");
    }
    folder.remove();
  }
}

/** The resident memory (MB) of a server on its first start, without its database; null where it cannot be read. */
export async function measureMemory(idleMs: number): Promise<{ started: number | null; idle: number | null }> {
  const { pid, stop } = await startBuiltServer();
  try {
    const started = residentMegabytes(pid);
    await sleep(idleMs);
    return { started, idle: residentMegabytes(pid) };
  } finally {
    await stop();
  }
}

async function waitFor(url: string): Promise<void> {
  for (const deadline = Date.now() + PATIENCE_MS; Date.now() < deadline; ) {
    const response = await fetch(url).catch(() => null);
    if (response?.ok) return;
    await new Promise((resume) => setTimeout(resume, 100));
  }
  throw new Error(`no answer on ${url}`);
}

function residentMegabytes(pid: number): number | null {
  try {
    const [, kilobytes] = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? [];
    return kilobytes === undefined ? null : Math.round(Number(kilobytes) / 1000);
  } catch {
    return null;
  }
}

function findFreePort(): Promise<number> {
  return new Promise((resolve) => {
    const probe = createServer().listen(0, "127.0.0.1", () => {
      const address = probe.address();
      probe.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0));
    });
  });
}
