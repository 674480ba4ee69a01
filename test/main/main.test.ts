import { execFile } from "node:child_process";
import { readFileSync, statSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { promisify } from "node:util";
import pg from "pg";
import { afterAll, afterEach, beforeAll, describe, expect, inject, it } from "vitest";
import { createEmptyDatabase, type EmptyDatabase } from "../support/empty-database.ts";
import { startTcpProxy } from "../support/tcp-proxy.ts";
import { makeTemporaryFolder } from "../support/temporary-folder.ts";
import { endServers, runServer, sendHead, startServer } from "./server-process.ts";

const BODY = JSON.stringify({ userId: "grace" });
const folder = makeTemporaryFolder();

afterEach(endServers);
afterAll(folder.remove);

describe("the process with its own database", () => {
  const variables = { DATA_DIR: join(folder.path, "data") };

  it("starts without any setting, answers the curl it prints, and keeps its key to itself", async () => {
    const server = await startServer(variables);
    const command = /^ {2}(curl .*)$/m.exec(server.child.output())?.[1] ?? "";
    const { stdout } = await promisify(execFile)("sh", ["-c", `${command} --silent --show-error`]);
    expect(JSON.parse(stdout)).toMatchObject({ data: { state: { data: { userId: "ada" } } } });

    const file = join(variables.DATA_DIR, "bootstrap.json");
    const installation = JSON.parse(readFileSync(file, "utf8"));
    expect(installation).toEqual({
      organizationId: expect.stringMatching(/^c[a-z0-9]{24}$/),
      projectId: expect.stringMatching(/^c[a-z0-9]{24}$/),
      environments: {
        production: { id: expect.stringMatching(/^c[a-z0-9]{24}$/) },
        development: { id: expect.stringMatching(/^c[a-z0-9]{24}$/) },
      },
      apiKey: expect.stringMatching(/^fbk_[A-Za-z0-9_-]{43}$/),
    });
    expect(server.child.output()).toContain(installation.apiKey);
    expect([file, join(variables.DATA_DIR, "encryption.key")].map((path) => statSync(path).mode & 0o777)).toEqual([0o600, 0o600]);
  });

  it("starts again with the same installation, which is not printed a second time", async () => {
    const before = readFileSync(join(variables.DATA_DIR, "bootstrap.json"), "utf8");
    const server = await startServer(variables);
    expect(server.child.output()).not.toContain(JSON.parse(before).apiKey);
    expect(server.child.output()).toContain(JSON.parse(before).environments.production.id);
    expect(readFileSync(join(variables.DATA_DIR, "bootstrap.json"), "utf8")).toBe(before);
  });

  it("serves although its database is killed while it starts", { timeout: 60_000 }, async () => {
    const dataDir = join(folder.path, "killed-at-start");
    const child = runServer({ DATA_DIR: dataDir });
    await child.waitFor(/migration applied/);
    process.kill(Number.parseInt(readFileSync(join(dataDir, "postgres/data/postmaster.pid"), "utf8"), 10), "SIGKILL");
    const [, address = ""] = await child.waitFor(/^Mortar listens on (\S+);/m);
    expect(child.output()).toMatch(/database cannot be reached yet/);
    expect((await fetch(`${address}/ready`)).status).toBe(200);
    expect(child.output()).toContain(
      JSON.parse(readFileSync(join(dataDir, "bootstrap.json"), "utf8")).environments.production.id,
    );
  });

  it("refuses a folder that another server uses with one line and status 1", async () => {
    await startServer(variables);
    const second = runServer(variables);
    expect(await second.exited).toBe(1);
    expect(second.output()).toMatch(/^The database in \S+ is in use by another server \(process \d+\); .*\n$/);
  });

  it.each([
    ["SIGTERM", ["SIGTERM"]],
    ["a SIGINT that npm doubles", ["SIGINT", "SIGINT"]],
  ] as const)("finishes the request in flight on %s, stops its database and ends with status 0", async (_title, signals) => {
    const { child, address } = await startServer(variables);
    const path = `/api/v2/client/${JSON.parse(readFileSync(join(variables.DATA_DIR, "bootstrap.json"), "utf8")).environments.production.id}/user`;
    const request = await sendHead(address, path, BODY);
    for (const signal of signals) child.process.kill(signal);
    await child.waitFor(/"stopping"/);
    request.socket.write(BODY);
    expect(await request.answer).toMatch(/HTTP\/1\.1 200 [\s\S]*"userId":"grace"/);
    expect(await child.exited).toBe(0);
    const next = await startServer(variables);
    expect(next.child.output()).not.toContain("adopted");
  });

  it("ends at once with status 1 on a second signal", async () => {
    const { child, address } = await startServer(variables);
    const request = await sendHead(address, "/api/v2/client/x/user", BODY);
    child.process.kill("SIGTERM");
    await child.waitFor(/"stopping"/);
    await new Promise((resume) => setTimeout(resume, 600));
    child.process.kill("SIGTERM");
    expect(await child.exited).toBe(1);
    request.socket.destroy();
  });

  it("answers /ready with 503 before it takes no more requests", async () => {
    const { child, address } = await startServer({ ...variables, SHUTDOWN_DELAY_MS: "1000" });
    expect((await fetch(`${address}/ready`)).status).toBe(200);
    child.process.kill("SIGTERM");
    await child.waitFor(/"stopping"/);
    const ready = await fetch(`${address}/ready`);
    expect({ status: ready.status, body: await ready.json() }).toEqual({ status: 503, body: { status: "shutting down" } });
    expect((await fetch(`${address}/health`)).status).toBe(200);
    expect(await child.exited).toBe(0);
  });
});

describe("the process with a database of its operator's", () => {
  let database: EmptyDatabase;
  beforeAll(async () => {
    database = await createEmptyDatabase();
  });
  afterAll(() => database.drop());
  const dataDir = join(folder.path, "external");

  it("refuses a database that lacks migrations, naming the command that applies them", async () => {
    const child = runServer({ DATABASE_URL: database.url, DATA_DIR: dataDir });
    expect(await child.exited).toBe(1);
    expect(child.output()).toMatch(
      /^The database lacks \d+ migration\(s\), first \S+: run `mortar migrate`, or start with MIGRATE_ON_START=1\n$/,
    );
  });

  it("answers 503 with Retry-After while the database is away, and recovers without a restart", async () => {
    const url = new URL(database.url);
    const proxy = await startTcpProxy({ host: url.hostname, port: Number(url.port) });
    url.port = String(proxy.port);
    const { address } = await startServer({
      DATABASE_URL: url.href,
      DATA_DIR: dataDir,
      MIGRATE_ON_START: "1",
      BOOTSTRAP_ENVIRONMENT_ID: "productionenvironment",
    });
    const identify = () => fetch(`${address}/api/v2/client/productionenvironment/user`, { method: "POST", body: BODY });
    expect((await identify()).status).toBe(200);

    await proxy.cut();
    const refused = await identify();
    expect(refused.status).toBe(503);
    expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(0);
    expect(await refused.json()).toEqual({ code: "service_unavailable", message: expect.any(String), details: {} });
    expect((await fetch(`${address}/ready`)).status).toBe(503);
    expect((await fetch(`${address}/health`)).status).toBe(200);

    await proxy.restore();
    await expect.poll(async () => (await identify()).status, { timeout: 15_000 }).toBe(200);
    await expect.poll(async () => (await fetch(`${address}/ready`)).status, { timeout: 15_000 }).toBe(200);
    await endServers();
    await proxy.cut();
  });

  it("makes one installation of the values it was given", async () => {
    const client = new pg.Client(database.url);
    await client.connect();
    const { rows } = await client.query("select id from environments where type = 'production'");
    await client.end();
    expect(rows).toEqual([{ id: "productionenvironment" }]);
  });
});

describe("the process that cannot start", () => {
  it("names every variable with a wrong value, a line for each, and ends with status 1", async () => {
    const child = runServer({ PORT: "many", LOG_LEVEL: "loud", DATA_DIR: join(folder.path, "unused") });
    expect(await child.exited).toBe(1);
    expect(child.output().trimEnd().split("\n")).toEqual([
      expect.stringMatching(/^PORT: /),
      expect.stringMatching(/^LOG_LEVEL: /),
    ]);
  });

  it("says in one line that its port is taken", async () => {
    const taken = createServer().listen(0, "127.0.0.1");
    await new Promise((resolve) => taken.once("listening", resolve));
    const address = taken.address();
    const port = typeof address === "object" && address !== null ? address.port : 0;
    const child = runServer({ PORT: String(port), DATA_DIR: join(folder.path, "data"), LOG_LEVEL: "error" });
    expect(await child.exited).toBe(1);
    expect(child.output()).toBe(`PORT: ${port} on 127.0.0.1 is in use by another program; set PORT to a free one\n`);
    taken.close();
  });

  it("says in one line that the database refuses it", async () => {
    const url = new URL(inject("databaseUrl"));
    url.username = "nobody";
    const child = runServer({ DATABASE_URL: url.href, DATA_DIR: join(folder.path, "external") });
    expect(await child.exited).toBe(1);
    expect(child.output()).toMatch(
      /^The database at 127\.0\.0\.1:\d+ refuses us: password authentication failed for user "nobody"\n$/,
    );
  });
});
