import { execFileSync, spawn } from "node:child_process";
import { connect, createServer } from "node:net";

/** Installed or not, by the operating system's packages. */
const PROGRAM = "redis-server";

export interface RedisServer {
  port: number;
  stop(): Promise<void>;
}

export function hasRedis(): boolean {
  try {
    execFileSync(PROGRAM, ["--version"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

/** On a free port of the loopback, in memory only. */
export async function startRedis(): Promise<RedisServer> {
  const port = await findFreePort();
  const options = { port: String(port), bind: "127.0.0.1", save: "", appendonly: "no" };
  const server = spawn(
    PROGRAM,
    Object.entries(options).flatMap(([name, value]) => [`--${name}`, value]),
    { stdio: "ignore" },
  );
  for (const deadline = Date.now() + 10_000; !(await answers(port)); ) {
    if (Date.now() > deadline || server.exitCode !== null) throw new Error(`redis does not serve (status ${server.exitCode})`);
    await new Promise((resume) => setTimeout(resume, 50));
  }
  return { port, stop };

  async function stop(): Promise<void> {
    server.kill("SIGKILL");
    if (server.exitCode === null && server.signalCode === null) await new Promise((resolve) => server.once("exit", resolve));
  }
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1", () => socket.write("PING\r\n"));
    socket.on("data", () => settle(true));
    socket.on("error", () => settle(false));
    function settle(answer: boolean): void {
      socket.destroy();
      resolve(answer);
    }
  });
}

function findFreePort(): Promise<number> {
  return new Promise((resolve) => {
    const probe = createServer().listen(0, "127.0.0.1", () => {
      const address = probe.address();
      probe.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0));
    });
  });
}
