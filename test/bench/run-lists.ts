/**
 * Lists over very many rows, run by hand: `npx tsx test/bench/run-lists.ts [rows] [folder] [part of a name]` (default
 * 1,000,000). Fills one environment with that many contacts and responses, beside a small one, asks for pages one at a
 * time and prints what they take. A folder keeps what was filled in for the next time; only the lists with the part in
 * their names are asked for. Where a page takes more than 100 ms at p95, it ends with status 1.
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { loadavg } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { pino } from "pino";
import { z } from "zod";
import { readConfig } from "../../src/config/env.ts";
import type { Database } from "../../src/db/database.ts";
import { startEmbeddedPostgres } from "../../src/db/embedded-postgres.ts";
import { migrate } from "../../src/db/migrate.ts";
import { createServer } from "../../src/server.ts";
import { newId } from "../../src/shared/ids.ts";
import { buildApiKey, buildSurvey, buildTenant } from "../support/build.ts";
import { makeTemporaryFolder } from "../support/temporary-folder.ts";

const GOAL_MS = 100;
const WARM_UP = 3;
const REQUESTS = 40;

const [, , rowsGiven = "1000000", folderGiven, part = ""] = process.argv;
const rows = Number(rowsGiven);
const log = pino({ level: "warn" });
const folder = folderGiven === undefined ? makeTemporaryFolder() : { path: folderGiven, remove: () => undefined };
const groundFile = join(folder.path, "ground.json");
const postgres = await startEmbeddedPostgres({ dir: join(folder.path, "postgres"), log });
await migrate({ url: postgres.url, log });
const config = { ...readConfig({ RATE_LIMIT: "off" }), ENCRYPTION_KEY: "an encryption key for measurements only" };
const { app, db, close } = await createServer({ config, url: postgres.url, log });
const sent = record(db);
const url = await app.listen({ host: "127.0.0.1", port: 0 });
const Ground = z.object({ both: z.string(), one: z.string(), surveys: z.array(z.string()) });
const ground = existsSync(groundFile) ? Ground.parse(JSON.parse(readFileSync(groundFile, "utf8"))) : await fill(db);
writeFileSync(groundFile, JSON.stringify(ground));
const rich = await fillRich(db);
let isTooSlow = false;
console.log(`load ${loadavg()[0]?.toFixed(2)}`);
for (const [name, path, keys] of scenarios()) if (name.includes(part)) await measure(name, path, keys);
console.log(`load ${loadavg()[0]?.toFixed(2)}`);
await close();
await postgres.stop();
folder.remove();
process.exit(isTooSlow ? 1 : 0);

async function fill(database: Database): Promise<z.output<typeof Ground>> {
  const tenant = await buildTenant(database);
  const { environmentId } = tenant;
  const surveys = [];
  for (let n = 0; n < 20; n++) surveys.push((await buildSurvey(database, { environmentId })).id);
  const client = new pg.Client(postgres.url);
  await client.connect();
  const start = performance.now();
  for (const [owner, count] of [
    [environmentId, rows],
    [tenant.developmentId, 1_000],
  ] as const)
    await client.query(
      `insert into contacts ("environmentId", id, "createdAt", "updatedAt", "userId", email, attributes)
       select $1, 'c' || lpad(n::text, 24, '0'), now() - make_interval(secs => $2 - n), now() - make_interval(secs => $2 - n),
         'user-' || n, 'user' || n || '@' || case when n % 1000 = 0 then 'rare' else 'example' end || '.com',
         jsonb_build_object('plan', case n % 3 when 0 then 'pro' else 'free' end, 'seats', n % 50, 'city', md5(n::text))
       from generate_series(1, $2::int) n`,
      [owner, count],
    );
  await client.query(
    `insert into responses ("environmentId", id, "createdAt", "updatedAt", "surveyId", "contactId", finished, data, meta)
     select $1, 'c' || lpad(n::text, 24, '0'), now() - make_interval(secs => $2 - n), now() - make_interval(secs => ($2 - n) / 2),
       ($3::text[])[1 + n % 20], 'c' || lpad((1 + (n * 7919::bigint) % $2)::text, 24, '0'), n % 4 > 0,
       jsonb_build_object('q1', md5(n::text)), '{"url": "https://example.com"}'
     from generate_series(1, $2::int) n`,
    [environmentId, rows, surveys],
  );
  await client.query("vacuum (analyze) contacts");
  await client.query("vacuum (analyze) responses");
  await client.end();
  console.log(`${rows} contacts and responses stored in ${((performance.now() - start) / 1_000).toFixed(0)} s`);
  const one = await buildApiKey(database, { ...tenant, permissions: { [environmentId]: "read" } });
  return { both: tenant.apiKey, one, surveys };
}

/** A thousand contacts about whom a lot is known, in an environment of their own. Returns a key to it. */
async function fillRich(database: Database): Promise<string> {
  const tenant = await buildTenant(database);
  const { environmentId } = tenant;
  await database.query(
    `insert into companies ("environmentId", id, "createdAt", "updatedAt", "companyId", attributes)
     select $1, 'c' || lpad(n::text, 24, '0'), now(), now(), 'company-' || n,
       (select jsonb_object_agg('trait_' || k, md5(k::text || n)) from generate_series(1, 20) k)
     from generate_series(1, 100) n`,
    [environmentId],
  );
  await database.query(
    `insert into contacts ("environmentId", id, "createdAt", "updatedAt", "userId", email, "companyId", attributes)
     select $1, 'c' || lpad(n::text, 24, '0'), now() - make_interval(secs => n), now(), 'user-' || n, n || '@example.com',
       'c' || lpad((1 + n % 100)::text, 24, '0'),
       (select jsonb_object_agg('trait_' || k, case k % 3 when 0 then to_jsonb(n) when 1 then to_jsonb(true) else to_jsonb(md5(k::text || n)) end)
        from generate_series(1, 100) k)
     from generate_series(1, 1000) n`,
    [environmentId],
  );
  for (let n = 0; n < 50; n++)
    await database.prisma.segment.create({
      data: {
        id: newId(),
        environmentId,
        title: `Segment ${n}`,
        isPrivate: false,
        filters: [isSet(`trait_${n}`), isSet("email")],
      },
    });
  return buildApiKey(database, { ...tenant, permissions: { [environmentId]: "read" } });
}

function isSet(contactAttributeKey: string) {
  return {
    id: newId(),
    connector: "and",
    resource: {
      id: newId(),
      root: { type: "attribute", contactAttributeKey },
      qualifier: { operator: "isSet" },
      value: "",
    },
  };
}

/** @returns the name, the path, and the keys to ask with when not with {@link ground}'s */
function* scenarios(): Generator<[name: string, path: string, keys?: Record<string, string>]> {
  const v2 = "/api/v2/management";
  const deep = Math.floor(rows * 0.9);
  const day = (ago: number) => new Date(Date.now() - ago * 86_400_000).toISOString();
  const dates = `startDate=${day(6)}&endDate=${day(5)}`;
  yield ["v2 contacts, first page", `${v2}/contacts`];
  yield ["v2 contacts, 250 of them", `${v2}/contacts?limit=250`];
  yield ["v2 contacts, 250 of 100 attributes", `${v2}/contacts?limit=250`, { "50 segments": rich }];
  yield ["v2 contacts, deep by skip", `${v2}/contacts?skip=${deep}`];
  yield ["v2 contacts, by cursor", `${v2}/contacts?cursor=<deep>`];
  yield ["v2 contacts, by date", `${v2}/contacts?${dates}`];
  yield ["v2 contacts, by userId", `${v2}/contacts?userId=user-77`];
  yield ["v2 contacts, search that finds few", `${v2}/contacts?search=USER123`];
  yield ["v2 contacts, search that finds 1 %", `${v2}/contacts?search=user-99`];
  yield ["v2 contacts, search that finds 10 %", `${v2}/contacts?search=user-9`];
  yield ["v2 contacts, search that finds all", `${v2}/contacts?search=user`];
  yield ["v2 contacts, search that finds none", `${v2}/contacts?search=nobody`];
  yield ["v1 contacts, first page", "/api/v1/management/contacts?limit=50"];
  yield ["v1 contacts, deep", `/api/v1/management/contacts?limit=50&offset=${deep}`];
  yield ["v2 responses, first page", `${v2}/responses`];
  yield ["v2 responses, deep by skip", `${v2}/responses?skip=${deep}`];
  yield ["v2 responses, of a survey", `${v2}/responses?surveyId=${ground.surveys[3]}`];
  yield ["v2 responses, of a survey, deep", `${v2}/responses?surveyId=${ground.surveys[3]}&skip=${Math.floor(deep / 20)}`];
  yield ["v2 responses, by date", `${v2}/responses?${dates}`];
  yield [
    "v2 responses, changed since",
    `${v2}/responses?startDate=${day(1)}&filterDateField=updatedAt&sortBy=updatedAt&order=asc`,
  ];
  yield ["v2 responses, of a contact", `${v2}/responses?contactId=c${"77".padStart(24, "0")}`];
  yield ["v1 responses, first page", "/api/v1/management/responses?limit=50"];
  yield ["v1 responses, deep", `/api/v1/management/responses?limit=50&offset=${deep}`];
  yield ["v1 responses, of a survey", `/api/v1/management/responses?surveyId=${ground.surveys[3]}`];
}

/** With a key to one environment, and with one to both, unless others are given. */
async function measure(
  name: string,
  given: string,
  keys: Record<string, string> = { "one environment": ground.one, two: ground.both },
): Promise<void> {
  for (const [audience, apiKey] of Object.entries(keys)) {
    const path = given.includes("<deep>") ? given.replace("<deep>", await cursorInTheMiddle(apiKey)) : given;
    const times: number[] = [];
    sent.length = 0;
    for (let n = -WARM_UP; n < REQUESTS; n++) {
      const start = performance.now();
      const response = await fetch(url + path, { headers: { "x-api-key": apiKey } });
      await response.text();
      if (!response.ok) throw new Error(`${path} answers ${response.status}`);
      if (n >= 0) times.push(performance.now() - start);
    }
    times.sort((a, b) => a - b);
    const at = (share: number) => times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? 0;
    const scanned = await explainLast();
    isTooSlow ||= at(0.95) > GOAL_MS;
    const figures = `p50 ${at(0.5).toFixed(1).padStart(7)} ms   p95 ${at(0.95).toFixed(1).padStart(7)} ms`;
    console.log(`${name.padEnd(38)} ${audience.padEnd(16)} ${figures}${at(0.95) > GOAL_MS ? "   over the goal" : ""}${scanned}`);
  }
}

async function cursorInTheMiddle(apiKey: string): Promise<string> {
  const path = `/api/v2/management/contacts?limit=1&skip=${Math.floor(rows / 2)}`;
  const response = await fetch(url + path, { headers: { "x-api-key": apiKey } });
  return z.object({ meta: z.object({ nextCursor: z.string() }) }).parse(await response.json()).meta.nextCursor;
}

/** Every statement from now on; how the last request's read the tables is looked at after it. */
function record(database: Database): { text: string; values: unknown[] }[] {
  const statements: { text: string; values: unknown[] }[] = [];
  const { query } = database;
  database.query = (statement, values = []) => {
    if (typeof statement === "string") statements.push({ text: statement, values });
    return query(statement, values);
  };
  return statements;
}

/** Says when a statement of the requests before reads a whole table; with `EXPLAIN=1`, prints the plans. */
async function explainLast(): Promise<string> {
  const texts = new Map(sent.filter(({ text }) => text.startsWith("select")).map(({ text, values }) => [text, values]));
  let scanned = "";
  for (const [text, values] of texts) {
    const analyze = process.env.EXPLAIN === "1" ? "explain (analyze, buffers)" : "explain";
    const lines = await db.query<{ "QUERY PLAN": string }>(`${analyze} ${text}`, values);
    const plan = lines.map((line) => line["QUERY PLAN"]).join("\n");
    if (process.env.EXPLAIN === "1") console.log(`${text}\n${plan}\n`);
    if (/Seq Scan on (contacts|responses)/.test(plan)) scanned = "   sequential scan";
  }
  return scanned;
}
