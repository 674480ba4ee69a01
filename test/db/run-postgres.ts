/** Runs an embedded PostgreSQL in the folder of its argument until it is killed. */
import { pino } from "pino";
import { startEmbeddedPostgres } from "../../src/db/embedded-postgres.ts";

const [, , dir = ""] = process.argv;
const { url } = await startEmbeddedPostgres({ dir, log: pino({ level: "silent" }) });
process.stdout.write(`url ${url}\n`);
setInterval(() => undefined, 60_000);
