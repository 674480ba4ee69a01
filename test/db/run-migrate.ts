/** Applies the migrations in the folder of its second argument to the database of its first. */
import { pino } from "pino";
import { migrate } from "../../src/db/migrate.ts";

const [, , url = "", folder = ""] = process.argv;
await migrate({ url, folder, log: pino({ level: "silent" }) });
