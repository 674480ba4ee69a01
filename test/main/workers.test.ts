import { readFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { afterAll, afterEach, describe, expect, it } from "vitest";
import { isRunning } from "../../src/db/embedded/processes.ts";
import { makeTemporaryFolder } from "../support/temporary-folder.ts";
import { endServers, listWorkers, runServer, sendHead, startServer } from "./server-process.ts";

const BODY = JSON.stringify({ userId: "grace" });
const folder = makeTemporaryFolder();
const variables = { DATA_DIR: join(folder.path, "data"), WORKERS: "2" };

afterEach(endServers);
afterAll(folder.remove);

describe("a server with two workers", () => {
  it("serves one port with both, prints its greeting once, and counts a client's requests over both", async () => {
    const { child, address } = await startServer({ ...variables, RATE_LIMIT_CLIENT: "30", METRICS: "on" });
    expect(child.output().match(/Mortar listens on/g)).toHaveLength(1);
    expect(new Set(listWorkers(child)).size).toBe(2);
    await leaveMinuteEnd();
    // One after another, each on a connection of its own, which go to the workers in turn. On a busy machine the primary
    // may be late, and a request is let through then; each worker by itself would let all of them through.
    const answers: Response[] = [];
    for (let n = 0; n < 60; n++) answers.push(await identify(address, { connection: "close" }));
    const served = answers.filter(({ status }) => status === 200).length;
    const refused = answers.filter(({ status }) => status === 429);
    expect(served + refused.length).toBe(60);
    expect(served).toBeGreaterThanOrEqual(30);
    expect(served).toBeLessThan(45);
    expect(Number(refused[0]?.headers.get("retry-after"))).toBeGreaterThan(0);

    const route = `route="/api/v2/client/:environmentId/user",method="POST"`;
    const metrics = await (await fetch(`${address}/metrics`)).text();
    expect(metrics).toContain(`mortar_http_request_duration_seconds_count{${route},status="2xx"} ${served}\n`);
    expect(metrics).toContain(`mortar_http_request_duration_seconds_count{${route},status="4xx"} ${refused.length}\n`);
    expect(metrics).not.toContain(environmentOf());
  });

  it("replaces a worker that was killed, on the same port, and goes on serving", async () => {
    const { child, address } = await startServer({ ...variables, RATE_LIMIT: "off" });
    const [victim = 0] = listWorkers(child);
    process.kill(victim, "SIGKILL");
    await child.waitFor(/worker ended, starting another one/);
    expect((await identify(address)).status).toBe(200);
    await expect.poll(() => listWorkers(child).length, { timeout: 15_000 }).toBe(3);
    for (const pid of listWorkers(child).slice(1, 2)) process.kill(pid, "SIGKILL");
    await expect.poll(() => listWorkers(child).length, { timeout: 15_000 }).toBe(4);
    expect((await identify(address)).status).toBe(200);
  });

  it("finishes the requests in flight on SIGTERM and ends with status 0", async () => {
    const { child, address } = await startServer(variables);
    const requests = await Promise.all([1, 2].map(() => sendHead(address, `/api/v2/client/${environmentOf()}/user`, BODY)));
    child.process.kill("SIGTERM");
    await child.waitFor(/"stopping"[\s\S]*"stopping"[\s\S]*"stopping"/);
    for (const { socket } of requests) socket.write(BODY);
    for (const { answer } of requests) expect(await answer).toMatch(/HTTP\/1\.1 200 [\s\S]*"userId":"grace"/);
    expect(await child.exited).toBe(0);
    expect(listWorkers(child).some(isRunning)).toBe(false);
  });

  it("leaves no worker behind when the primary is killed: they finish their requests and end", async () => {
    const { child, address } = await startServer(variables);
    const { socket, answer } = await sendHead(address, `/api/v2/client/${environmentOf()}/user`, BODY);
    child.process.kill("SIGKILL");
    await child.waitFor(/the primary process is gone[\s\S]*the primary process is gone/);
    socket.write(BODY);
    expect(await answer).toMatch(/HTTP\/1\.1 200 [\s\S]*"userId":"grace"/);
    expect(await child.exited).toBe("SIGKILL"); // all that hold its output have ended
    expect(listWorkers(child).some(isRunning)).toBe(false);
    await startServer(variables); // adopts the database, and is ended with it
  });

  it("says in one line why it cannot start", async () => {
    const taken = createServer().listen(0, "127.0.0.1");
    await new Promise((resolve) => taken.once("listening", resolve));
    const bound = taken.address();
    const port = typeof bound === "object" && bound !== null ? bound.port : 0;
    const child = runServer({ ...variables, PORT: String(port), LOG_LEVEL: "error" });
    expect(await child.exited).toBe(1);
    expect(child.output()).toBe(`PORT: ${port} on 127.0.0.1 is in use by another program; set PORT to a free one\n`);
    taken.close();
  });
});

function environmentOf(): string {
  return JSON.parse(readFileSync(join(variables.DATA_DIR, "bootstrap.json"), "utf8")).environments.production.id;
}

const identify = (address: string, headers: Record<string, string> = {}): Promise<Response> =>
  fetch(`${address}/api/v2/client/${environmentOf()}/user`, { method: "POST", body: BODY, headers });

/** Counts begin anew with the minute. */
async function leaveMinuteEnd(): Promise<void> {
  const left = 60_000 - (Date.now() % 60_000);
  if (left < 5_000) await new Promise((resume) => setTimeout(resume, left));
}
