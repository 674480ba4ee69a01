/** How the database finds what an erasure deletes: by indexes, however much else the environment has. */
import { randomUUID } from "node:crypto";
import { pino } from "pino";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { Database, Transaction } from "../../src/db/database.ts";
import { migrate } from "../../src/db/migrate.ts";
import { createErasureService } from "../../src/erasures/service.ts";
import { createSuppression } from "../../src/erasures/suppression.ts";
import { newId } from "../../src/shared/ids.ts";
import { buildTenant } from "../support/build.ts";
import { createEmptyDatabase, type EmptyDatabase } from "../support/empty-database.ts";
import { startTestServer, type TestServer } from "../support/server.ts";

const ROWS = 20_000;
const encryptionKey = "an encryption key for tests only, 0123456789";

/** Of its own, so that no other test's server looks for erasures in it; this one would do it in an hour. */
let database: EmptyDatabase;
let server: TestServer;
let environmentId: string;
beforeAll(async () => {
  database = await createEmptyDatabase();
  await migrate({ url: database.url, log: pino({ level: "silent" }) });
  server = await startTestServer({ DATABASE_URL: database.url });
  ({ environmentId } = await buildTenant(server.db));
  const series = `generate_series(1, ${ROWS}) n`;
  await server.db.query(
    `insert into contacts ("environmentId", id, "updatedAt", "userId") select $1, $2 || n, now(), 'user-' || n from ${series}`,
    [environmentId, newId()],
  );
  await server.db.query(
    `insert into webhook_events ("environmentId", id, "createdAt", type, "subjectId", payload)
     select $1, $2 || n, now(), 'contactUpdated', 'subject-' || n, '{}' from ${series}`,
    [environmentId, newId()],
  );
  await server.db.query("analyze contacts");
  await server.db.query("analyze webhook_events");
});
afterAll(async () => {
  await server.close();
  await database.drop();
});

it("looks at the rows of the person alone", async () => {
  const sent: { text: string; values: unknown[] }[] = [];
  const record = ({ query }: Pick<Transaction, "query">): Transaction["query"] => {
    return (statement, values = []) => {
      sent.push({ text: typeof statement === "string" ? statement : statement.text, values });
      return query(statement, values);
    };
  };
  const db: Database = {
    ...server.db,
    query: record(server.db),
    transaction: (work) => server.db.transaction((tx) => work({ ...tx, query: record(tx) })),
  };
  const { environments } = server.services;
  const suppression = createSuppression({ db, encryptionKey });
  const outbox = { announce: () => undefined, append: async () => undefined };
  const discardFiles = async () => undefined;
  const erasures = createErasureService({ db, environments, suppression, outbox, encryptionKey, now: Date.now, discardFiles });
  const targets = { userIds: ["user-7"], emails: ["7@example.com"], visitorIds: [randomUUID()] };
  const input = { environmentId, targets, mode: "delete", delaySeconds: 3_600, apiKeyId: null, source: "sprig" } as const;
  const { id } = await erasures.request(input);
  await erasures.carryOut(environmentId, id);
  expect((await erasures.find(environmentId, id)).receipt).toMatchObject({ contacts: 1 });

  const looking = sent.filter(({ text }) => /\b(contacts|webhook_events)\b/.test(text) && !/^\s*update job/.test(text));
  expect(looking.length).toBeGreaterThan(3);
  for (const { text, values } of looking) {
    const lines = await server.db.query<{ "QUERY PLAN": string }>(`explain ${text}`, values);
    const plan = lines.map((line) => line["QUERY PLAN"]).join("\n");
    expect(plan).not.toMatch(/Seq Scan on (contacts|webhook_events)|Filter: .*SubPlan/);
  }
});
