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
  return { proxy, config: readConfig({ DATABASE_URL: url.href }), drop: database.drop };
}
