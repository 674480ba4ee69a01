/** Starts one migrated embedded PostgreSQL for the whole run; every test makes rows of its own in it. */
import { join } from "node:path";
import { pino } from "pino";
import type { TestProject } from "vitest/node";
import { startEmbeddedPostgres } from "../../src/db/embedded-postgres.ts";
import { migrate } from "../../src/db/migrate.ts";
import { makeTemporaryFolder } from "./temporary-folder.ts";

export default async function setup({ provide }: TestProject): Promise<() => Promise<void>> {
  const log = pino({ level: "warn" });
  const folder = makeTemporaryFolder();
  const postgres = await startEmbeddedPostgres({ dir: join(folder.path, "postgres"), log });
  await migrate({ url: postgres.url, log });
  provide("databaseUrl", postgres.url);
  return async () => {
    await postgres.stop();
    folder.remove();
  };
}

declare module "vitest" {
  interface ProvidedContext {
    databaseUrl: string;
  }
}
