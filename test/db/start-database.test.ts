import { setTimeout as sleep } from "node:timers/promises";
import { pino } from "pino";
import { describe, expect, it } from "vitest";
import { readConfig } from "../../src/config/env.ts";
import { openDatabase } from "../../src/db/database.ts";
import { pendingMigrations } from "../../src/db/migrate.ts";
import { startDatabase } from "../../src/db/start-database.ts";
import { StartError } from "../../src/shared/start-error.ts";
import { createEmptyDatabase } from "../support/empty-database.ts";
import { startTcpProxy } from "../support/tcp-proxy.ts";

const log = pino({ level: "silent" });

describe("startDatabase with a DATABASE_URL", () => {
  it("waits for a database that comes up later", async () => {
    const { proxy, config, drop } = await awayDatabase();
    const starting = startDatabase({ config, log, migrations: "apply" });
    setTimeout(() => void proxy.restore(), 400);
    const { url, stop } = await starting;
    const db = openDatabase({ url, poolSize: 1, log });
    expect(await pendingMigrations(db)).toEqual([]);
    await db.close();
    await stop();
    await proxy.cut();
    await drop();
  });

  it("gives up after the time it was given, with one line that names the address but no password", async () => {
    const { proxy, config, drop } = await awayDatabase();
    const starting = startDatabase({ config, log, waitMs: 300 });
    await expect(starting).rejects.toThrow(StartError);
    await expect(starting).rejects.toThrow(
      new RegExp(`^The database at 127\\.0\\.0\\.1:${proxy.port} could not be reached: connect ECONNREFUSED [^\\n]*$`),
    );
    await drop();
  });

  it("goes through a whole start when the database is lost at any point of it", { timeout: 120_000 }, async () => {
    // More than that comes back in a start with all migrations.
    for (const bytes of [100, 500, 1_500, 3_000, 6_000, 10_000]) {
      const { proxy, config, drop, direct } = await awayDatabase();
      await proxy.restore();
      const lost = proxy.cutAfter(bytes);
      const starting = startDatabase({ config, log, migrations: "apply" });
      await Promise.race([lost, starting.then(() => Promise.reject(new Error(`${bytes} bytes were never sent`)))]);
      await sleep(200);
      await proxy.restore();
      const { stop } = await starting;
      const db = openDatabase({ url: direct, poolSize: 1, log });
      expect(await pendingMigrations(db)).toEqual([]);
      await db.close();
      await stop();
      await proxy.cut();
      await drop();
    }
  });

  it("gives up, in one line, on a database that is lost in the middle and does not come back", async () => {
    const { proxy, config, drop } = await awayDatabase();
    await proxy.restore();
    const lost = proxy.cutAfter(2_000);
    const starting = startDatabase({ config, log, migrations: "apply", waitMs: 1_500 });
    const failed = expect(starting).rejects.toThrow(/^The database at 127\.0\.0\.1:\d+ could not be reached: [^\n]+$/);
    await lost;
    await failed;
    await drop();
  });

  it("goes on with what comes after the migrations when the database is lost meanwhile", async () => {
    const { proxy, config, drop } = await awayDatabase();
    await proxy.restore();
    const { url, whileItComes, stop } = await startDatabase({ config, log, migrations: "apply" });
    const db = openDatabase({ url, poolSize: 1, log });
    await proxy.cut();
    let tries = 0;
    const counting = whileItComes(async () => {
      tries++;
      return await db.query<{ one: number }>("select 1 as one");
    });
    await sleep(300);
    await proxy.restore();
    expect(await counting).toEqual([{ one: 1 }]);
    expect(tries).toBeGreaterThan(1);
    await expect(whileItComes(() => Promise.reject(new Error("a mistake")))).rejects.toThrow("a mistake");
    await db.close();
    await stop();
    await proxy.cut();
    await drop();
  });

  it("waits for a database behind a network that swallows packets", { timeout: 60_000 }, async () => {
    const { proxy, config, drop } = await awayDatabase();
    await proxy.restore();
    proxy.delay(Infinity);
    const starting = startDatabase({ config, log, migrations: "apply" });
    await sleep(500);
    proxy.delay(0); // what was swallowed is not sent again: the first connection times out after five seconds
    const { stop } = await starting;
    await stop();
    await proxy.cut();
    await drop();
  });

  it("stops waiting when it is told to", async () => {
    const { config, drop } = await awayDatabase();
    const stopping = new AbortController();
    const startedAt = Date.now();
    setTimeout(() => stopping.abort(), 200);
    await expect(startDatabase({ config, log, signal: stopping.signal })).rejects.toThrow(StartError);
    expect(Date.now() - startedAt).toBeLessThan(5_000);
    await drop();
  });
});

async function awayDatabase() {
  const database = await createEmptyDatabase();
  const url = new URL(database.url);
  const proxy = await startTcpProxy({ host: url.hostname, port: Number(url.port) });
  await proxy.cut();
  url.port = String(proxy.port);
  return { proxy, config: readConfig({ DATABASE_URL: url.href }), direct: database.url, drop: database.drop };
}
