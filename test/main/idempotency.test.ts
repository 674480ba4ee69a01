/** A server that dies between the effect of a request and its answer. */

import { pino } from "pino";
import { afterAll, afterEach, describe, expect, inject, it } from "vitest";
import { openDatabase } from "../../src/db/database.ts";
import { newId } from "../../src/shared/ids.ts";
import { buildTenant } from "../support/build.ts";
import { makeTemporaryFolder } from "../support/temporary-folder.ts";
import { endServers, startServer } from "./server-process.ts";

const folder = makeTemporaryFolder();
const db = openDatabase({ url: inject("databaseUrl"), poolSize: 4, log: pino({ level: "silent" }) });
afterEach(endServers);
afterAll(async () => {
  await db.close();
  folder.remove();
});

const start = () => startServer({ DATABASE_URL: inject("databaseUrl"), DATA_DIR: folder.path, RATE_LIMIT: "off" });

describe("a server that is killed between the effect and the answer", () => {
  it("leaves nothing behind, and the request that is sent again has its effect once", { timeout: 60_000 }, async () => {
    const { apiKey, organizationId } = await buildTenant(db);
    const [key, name] = [newId(), `Team ${newId()}`];
    const send = (address: string) =>
      fetch(`${address}/api/v2/organizations/${organizationId}/teams`, {
        method: "POST",
        headers: { "x-api-key": apiKey, "idempotency-key": key },
        body: JSON.stringify({ name }),
      });
    const first = await start();
    await db.transaction(async (tx) => {
      await tx.query("lock table idempotency_keys in share row exclusive mode"); // may be read, not written
      const sent = send(first.address).then(
        ({ status }) => status,
        () => "broken off",
      );
      await expect.poll(() => waitingFor(tx), { timeout: 20_000 }).toBe(1);
      first.child.process.kill("SIGKILL");
      expect(await sent).toBe("broken off");
    });
    expect(await db.prisma.team.count({ where: { name } })).toBe(0);

    const { address } = await start();
    const answer = await send(address);
    expect(answer.status).toBe(201);
    const again = await send(address);
    expect(again.headers.get("idempotent-replayed")).toBe("true");
    expect(await again.text()).toBe(await answer.text());
    expect(await db.prisma.team.count({ where: { name } })).toBe(1);
  });
});

/** How many wait to write an answer whose effect they have written. */
async function waitingFor(tx: { query<Row extends object>(text: string): Promise<Row[]> }): Promise<number> {
  const [row] = await tx.query<{ count: number }>(
    `select count(*)::int as count from pg_locks where relation = 'idempotency_keys'::regclass and not granted`,
  );
  return row?.count ?? 0;
}
