/**
 * The server that is measured: Mortar over an embedded database filled for the purpose, and beside its routes one that
 * answers a constant, from the same Fastify, with the same hooks and body reading. It runs as a process of its own,
 * tells its parent when it listens, does what it is asked, and stops when told to.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import pg from "pg";
import { pino } from "pino";
import type * as DatabaseModule from "../../src/db/database.ts";
import { makeTemporaryFolder } from "../support/temporary-folder.ts";
import { type Ground, pick, seededAttributes } from "./scenarios.ts";
import { prepareGround } from "./seed.ts";

/** A module as it is shipped: running the sources directly makes each of their functions dearer. */
const shipped = <Module>(path: string): Promise<Module> => import(new URL(`../../dist/${path}.js`, import.meta.url).href);
const { readConfig } = await shipped<typeof import("../../src/config/env.ts")>("config/env");
const { FIND, findValues } =
  await shipped<typeof import("../../src/contacts/identify-statement.ts")>("contacts/identify-statement");
const { PLAN_FOR_NAMED } = await shipped<typeof DatabaseModule>("db/database");
const { startEmbeddedPostgres } = await shipped<typeof import("../../src/db/embedded-postgres.ts")>("db/embedded-postgres");
const { migrate } = await shipped<typeof import("../../src/db/migrate.ts")>("db/migrate");
const { acceptAnyBody } = await shipped<typeof import("../../src/http/json-body.ts")>("http/json-body");
const { createServer } = await shipped<typeof import("../../src/server.ts")>("server");

/** What the parent asks. */
export type ServerRequest = { kind: "stop" } | { kind: "statement"; seconds: number };

/** What the parent is told. */
export type ServerMessage =
  | { kind: "listening"; url: string; ground: Ground; postmaster: number; database: string; databaseVersion: string }
  /** Milliseconds of each round trip of the bare statement. */
  | { kind: "statement"; times: number[] };

const contacts = Number(process.argv[2] ?? 100_000);
const log = pino({ level: "warn" });
const folder = makeTemporaryFolder();
const postgres = await startEmbeddedPostgres({ dir: join(folder.path, "postgres"), log });
await migrate({ url: postgres.url, log });
const config = { ...readConfig({ RATE_LIMIT: "off" }), ENCRYPTION_KEY: "an encryption key for measurements only" };
const { app, db, close } = await createServer({ config, url: postgres.url, log });
const ground = await prepareGround(db, contacts);
const bare = new pg.Client(postgres.url);
await bare.connect();
await bare.query(PLAN_FOR_NAMED);

/** Of the size of the answers that they are compared with; set before the first measurement. */
let [constant, constantState] = ["", ""];
await app.register(async (scope) => {
  acceptAnyBody(scope);
  const options = { schema: { operationId: "health", hide: true } }; // as open to everybody as that
  scope.post("/bench/constant", options, (_request, reply) => reply.type("application/json; charset=utf-8").send(constant));
  scope.get("/bench/constant", options, (_request, reply) => reply.type("application/json; charset=utf-8").send(constantState));
});
const url = await app.listen({ host: "127.0.0.1", port: 0 });
const path = `/api/v2/client/${ground.large.environmentId}/user`;
constant = await (await fetch(url + path, { method: "POST", body: '{"userId":"user-1"}' })).text();
constantState = await (await fetch(`${url}/api/v1/client/${ground.large.environmentId}/environment`)).text();
const [version] = await db.query<{ server_version: string }>("show server_version");

tell({
  kind: "listening",
  url,
  ground,
  postmaster: Number.parseInt(readFileSync(join(postgres.dir, "data/postmaster.pid"), "utf8"), 10),
  database: postgres.url,
  databaseVersion: version?.server_version ?? "unknown",
});
process.on("message", (request: ServerRequest) => {
  if (request.kind === "stop") void stop();
  else void timeStatement(request.seconds).then((times) => tell({ kind: "statement", times }));
});

function tell(message: ServerMessage): void {
  process.send?.(message);
}

/** Sends identify's own statement for unchanged contacts, one at a time, with nothing around it. */
async function timeStatement(seconds: number): Promise<number[]> {
  const half = { ...ground.large, contacts: Math.floor(ground.large.contacts / 2) }; // the one that no scenario changes
  const times: number[] = [];
  for (const end = performance.now() + seconds * 1_000; performance.now() < end; ) {
    const contact = pick(half, times.length);
    const item = { environmentId: ground.large.environmentId, userId: `user-${contact}`, email: undefined };
    const values = findValues([{ ...item, patch: seededAttributes(contact), companyId: null, eventQueries: null }]);
    const start = performance.now();
    await bare.query({ ...FIND, values });
    times.push(performance.now() - start);
  }
  return times;
}

async function stop(): Promise<void> {
  await bare.end();
  await close();
  await postgres.stop();
  folder.remove();
  process.exit(0);
}
