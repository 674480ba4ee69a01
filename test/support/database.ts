/** Starts one migrated embedded PostgreSQL for the whole run; every test makes rows of its own in it. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pino } from "pino";
import type { TestProject } from "vitest/node";
import { startEmbeddedPostgres } from "../../src/db/embedded-postgres.ts";
import { migrate } from "../../src/db/migrate.ts";

export default async function setup({ provide }: TestProject): Promise<() => Promise<void>> {
  const log = pino({ level: "warn" });
  const folder = mkdtempSync(join(tmpdir(), "mortar-test-"));
  const postgres = await startEmbeddedPostgres({ dir: join(folder, "postgres"), log });
  await migrate({ url: postgres.url, log });
  provide("databaseUrl", postgres.url);
  return async () => {
    await postgres.stop();
    rmSync(folder, { recursive: true, force: true });
  };
}

declare module "vitest" {
  interface ProvidedContext {
    databaseUrl: string;
  }
}
