/** A job survives the process that works on it, and is not done twice. */
import { join } from "node:path";
import pg from "pg";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { z } from "zod";
import { type Child, runProcess } from "../support/child-process.ts";
import { createEmptyDatabase, type EmptyDatabase } from "../support/empty-database.ts";
import { makeTemporaryFolder } from "../support/temporary-folder.ts";

const API_KEY = "fbk_a_key_for_the_test_of_jobs";
const ROWS = 6_000;

const Jobs = z.array(z.looseObject({ status: z.string() }));

const folder = makeTemporaryFolder();
const children: Child[] = [];
let database: EmptyDatabase;
let client: pg.Client;
beforeAll(async () => {
  database = await createEmptyDatabase();
  client = new pg.Client(database.url);
  await client.connect();
});
afterAll(async () => {
  for (const child of children) {
    child.process.kill("SIGKILL");
    await child.exited;
  }
  await client.end();
  await database.drop();
  folder.remove();
});

async function start(): Promise<{ child: Child; address: string }> {
  const child = runProcess("src/main.ts", [], {
    PORT: "0",
    DATABASE_URL: database.url,
    MIGRATE_ON_START: "1",
    DATA_DIR: join(folder.path, "data"),
    BOOTSTRAP_API_KEY: API_KEY,
    RATE_LIMIT: "off",
    LOG_LEVEL: "warn",
  });
  children.push(child);
  const [, address = ""] = await child.waitFor(/listens on (\S+);/);
  return { child, address };
}

const headers = { authorization: `Token ${API_KEY}` };
const count = async (table: string) => (await client.query(`select count(*)::int as n from ${table}`)).rows[0].n as number;

it("a job interrupted by kill -9 goes on where it was and does nothing twice", async () => {
  const first = await start();
  // Every write of an event is counted by the database itself: what is done twice is seen, even if it is undone.
  await client.query(`
    create table writes (at timestamptz default clock_timestamp());
    create function note_write() returns trigger language plpgsql as $$ begin insert into writes default values; return null; end $$;
    create trigger note_write after insert on events for each row execute function note_write()`);
  const lines = Array.from({ length: ROWS }, (_, n) =>
    JSON.stringify({
      event_type: "track",
      inserted_at: "2024-01-01T00:00:00Z",
      source: "backend-http",
      user_id: `u${n % 500}`,
      event_name: `event ${n}`,
    }),
  );
  const form = new FormData();
  form.append("file", new Blob([lines.join("\n")]), "events.ndjson");
  const response = await fetch(`${first.address}/v1/imports`, { method: "POST", headers, body: form });
  expect(response.status).toBe(200);

  await vi.waitFor(async () => expect(await count("events")).toBeGreaterThan(0), { timeout: 15_000, interval: 2 });
  first.child.process.kill("SIGKILL");
  expect(await first.child.exited).toBe("SIGKILL");
  const { rows } = await client.query('select status, "completedRows" as done from jobs');
  const doneBefore = await count("events");
  expect(rows).toEqual([{ status: "processing", done: doneBefore }]);
  expect(doneBefore).toBeLessThan(ROWS);

  const second = await start();
  const [job] = await vi.waitFor(
    async () => {
      const listed = Jobs.parse(await (await fetch(`${second.address}/v1/background_jobs`, { headers })).json());
      expect(listed[0]?.status).toBe("completed");
      return listed;
    },
    { timeout: 30_000, interval: 50 },
  );
  expect(job).toMatchObject({ total_rows: ROWS, completed_rows: ROWS, failed_rows: [] });
  expect([await count("events"), await count("writes"), await count("job_chunks")]).toEqual([ROWS, ROWS, 0]);
  expect(await count("contacts")).toBe(500);
}, 90_000);
