import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

const PATIENCE_MS = 60_000;

/** The resident memory (MB) of the built server, started on an empty folder and asked once; null where it cannot be read. */
export async function measureIdleMemory(): Promise<number | null> {
  const folder = mkdtempSync(join(tmpdir(), "mortar-bench-idle-"));
  const port = await findFreePort();
  const env = { ...process.env, DATA_DIR: join(folder, "data"), PORT: String(port), DATABASE_URL: "" };
  const server = spawn(process.execPath, ["dist/main.js"], { env, stdio: "ignore" });
  try {
    await waitFor(`http://127.0.0.1:${port}/ready`);
    return residentMegabytes(server.pid ?? 0);
  } finally {
    server.kill("SIGTERM");
    await once(server, "exit");
    rmSync(folder, { recursive: true, force: true });
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
