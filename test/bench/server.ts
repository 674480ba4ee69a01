/**
 * The server that is measured: Mortar over an embedded database filled with contacts, and beside its routes one that
 * answers a constant, from the same Fastify, with the same hooks and body reading. It runs as a process of its own,
 * tells its parent when it listens, and stops when told to.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pino } from "pino";
import { readConfig } from "../../src/config/env.ts";
import { startEmbeddedPostgres } from "../../src/db/embedded-postgres.ts";
import { migrate } from "../../src/db/migrate.ts";
import { acceptAnyBody } from "../../src/http/json-body.ts";
import { createServer } from "../../src/server.ts";
import { buildTenant } from "../support/build.ts";
import { seededAttributes } from "./scenarios.ts";
import { fillContacts } from "./seed.ts";

/** What the parent is told. */
export interface ServerMessage {
  url: string;
  environmentId: string;
}

const contacts = Number(process.argv[2] ?? 100_000);
const log = pino({ level: "warn" });
const folder = mkdtempSync(join(tmpdir(), "mortar-bench-"));
const postgres = await startEmbeddedPostgres({ dir: join(folder, "postgres"), log });
await migrate({ url: postgres.url, log });
const config = { ...readConfig({ RATE_LIMIT: "off" }), ENCRYPTION_KEY: "an encryption key for measurements only" };
const { app, db, close } = await createServer({ config, url: postgres.url, log });
const { environmentId } = await buildTenant(db);
await fillContacts(db, { environmentId, contacts, attributes: seededAttributes });

/** Of the size of an identify answer; set to one before the first measurement. */
let constant = "";
await app.register(async (scope) => {
  acceptAnyBody(scope);
  scope.post("/bench/constant", (_request, reply) => reply.type("application/json; charset=utf-8").send(constant));
});
const url = await app.listen({ host: "127.0.0.1", port: 0 });
const sample = await fetch(`${url}/api/v2/client/${environmentId}/user`, { method: "POST", body: '{"userId":"user-1"}' });
constant = await sample.text();

process.send?.({ url, environmentId } satisfies ServerMessage);
process.on("message", (message) => {
  if (message === "stop") void stop();
});

async function stop(): Promise<void> {
  await close();
  await postgres.stop();
  rmSync(folder, { recursive: true, force: true });
  process.exit(0);
}
