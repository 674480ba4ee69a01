import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import pg from "pg";
import { pino } from "pino";
import { afterAll, describe, expect, it } from "vitest";
import { type EmbeddedPostgres, startEmbeddedPostgres } from "../../src/db/embedded-postgres.ts";
import { StartError } from "../../src/shared/start-error.ts";
import { runProcess } from "../support/child-process.ts";
import { makeTemporaryFolder } from "../support/temporary-folder.ts";

const log = pino({ level: "silent" });

describe("the embedded PostgreSQL", () => {
  const folder = makeTemporaryFolder();
  afterAll(folder.remove);
  const dir = join(folder.path, "postgres");

  it("keeps its data over a restart and listens on the loopback interface only", async () => {
    const first = await startEmbeddedPostgres({ dir, log });
    await query(first.url, "create table notes (text text)");
    await query(first.url, "insert into notes values ('kept')");
    await first.stop();
    await expect(query(first.url, "select 1")).rejects.toMatchObject({ code: "ECONNREFUSED" });

    const second = await startEmbeddedPostgres({ dir, log });
    expect(await query(second.url, "select text from notes")).toEqual([{ text: "kept" }]);
    const settings = await query(
      second.url,
      "select name, setting from pg_settings where name in ('listen_addresses', 'fsync', 'synchronous_commit', 'unix_socket_directories') order by name",
    );
    expect(settings).toEqual([
      { name: "fsync", setting: "on" },
      { name: "listen_addresses", setting: "127.0.0.1" },
      { name: "synchronous_commit", setting: "on" },
      { name: "unix_socket_directories", setting: "" },
    ]);
    await second.stop();
  });

  it("keeps its files from other users", async () => {
    expect(statSync(join(dir, "password")).mode & 0o777).toBe(0o600);
    expect(statSync(dir).mode & 0o777).toBe(0o700);
  });

  it("adopts the database of a killed process, and refuses that of a living one unless it may share", async () => {
    const owner = runProcess("test/db/run-postgres.ts", [dir]);
    const [, url = ""] = await owner.waitFor(/url (\S+)/);
    const refusal = startEmbeddedPostgres({ dir, log });
    await expect(refusal).rejects.toThrow(StartError);
    await expect(refusal).rejects.toThrow(`in use by another server (process ${owner.process.pid})`);
    const shared = await startEmbeddedPostgres({ dir, log, share: true });
    expect(shared.url).toBe(url);
    await shared.stop();
    expect(await query(url, "select 1 as one")).toEqual([{ one: 1 }]); // stopping it is the owner's business

    const postmaster = readPostmaster(shared);
    owner.process.kill("SIGKILL");
    await owner.exited;
    const adopted = await startEmbeddedPostgres({ dir, log });
    expect(adopted.url).toBe(url);
    expect(readPostmaster(adopted)).toBe(postmaster);
    await adopted.stop();
    expect(existsSync(join(dir, "data/postmaster.pid"))).toBe(false);
  });

  it("starts where process and database were killed together", async () => {
    const owner = runProcess("test/db/run-postgres.ts", [dir]);
    await owner.waitFor(/url (\S+)/);
    process.kill(Number(/^\d+/.exec(readFileSync(join(dir, "data/postmaster.pid"), "utf8"))?.[0]), "SIGKILL");
    owner.process.kill("SIGKILL");
    await owner.exited;
    const next = await startEmbeddedPostgres({ dir, log });
    expect(await query(next.url, "select text from notes")).toEqual([{ text: "kept" }]);
    await next.stop();
  });

  it("is started again on its port when it is killed, with what was committed", async () => {
    const postgres = await startEmbeddedPostgres({ dir, log });
    await query(postgres.url, "insert into notes values ('committed')");
    const killed = readPostmaster(postgres);
    process.kill(killed, "SIGKILL");
    await expect
      .poll(() => query(postgres.url, "select count(*)::int as n from notes").catch(() => null), { timeout: 20_000 })
      .toEqual([{ n: 2 }]);
    expect(readPostmaster(postgres)).not.toBe(killed);
    await postgres.stop();
    await expect(query(postgres.url, "select 1")).rejects.toMatchObject({ code: "ECONNREFUSED" });
  });

  it("lets one of several that start at once have the folder", async () => {
    const starts = await Promise.allSettled([1, 2, 3].map(() => startEmbeddedPostgres({ dir, log })));
    const started = starts.flatMap((start) => (start.status === "fulfilled" ? [start.value] : []));
    expect(started).toHaveLength(1);
    await Promise.all(started.map(({ stop }) => stop()));
  });

  it("begins anew where making the cluster was interrupted", async () => {
    const interrupted = makeTemporaryFolder();
    const dirOfNew = join(interrupted.path, "postgres");
    const child = runProcess("test/db/run-postgres.ts", [dirOfNew]);
    await expect.poll(() => isBeingMade(dirOfNew), { interval: 5, timeout: 20_000 }).toBe(true);
    child.process.kill("SIGKILL");
    await child.exited;
    const postgres = await startEmbeddedPostgres({ dir: dirOfNew, log });
    expect(await query(postgres.url, "select 1 as one")).toEqual([{ one: 1 }]);
    await postgres.stop();
    expect(existsSync(join(dirOfNew, "data/PG_VERSION"))).toBe(true);
    interrupted.remove();
  });
});

const isBeingMade = (dir: string): boolean =>
  existsSync(dir) &&
  readdirSync(dir).some((name) => name.startsWith("data.unfinished-") && existsSync(join(dir, name, "PG_VERSION")));

const readPostmaster = ({ dir }: EmbeddedPostgres): number =>
  Number.parseInt(readFileSync(join(dir, "data/postmaster.pid"), "utf8"), 10);

async function query(url: string, statement: string): Promise<object[]> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5_000 });
  client.on("error", () => undefined);
  try {
    await client.connect();
    return (await client.query<object>(statement)).rows;
  } finally {
    await client.end().catch(() => undefined);
  }
}
