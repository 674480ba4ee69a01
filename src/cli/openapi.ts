import { writeFileSync } from "node:fs";
import { Command } from "commander";
import { createApp } from "../app.ts";
import { readConfig } from "../config/env.ts";
import type { ChangeFeed } from "../db/change-feed.ts";
import { openDatabase } from "../db/database.ts";
import { createJobQueue } from "../db/job-queue.ts";
import { createRateLimiter } from "../http/rate-limit.ts";
import { createServices } from "../services.ts";
import { CommandFailure, createCommandLogger } from "./run.ts";

export const openapiCommand = (): Command =>
  new Command("openapi")
    .description("Prints the OpenAPI document that the server answers under /openapi.json. Needs no database.")
    .option("--output <file>", "write it there instead")
    .addHelpText("after", "\nExample:\n  mortar openapi --output openapi.json")
    .action(async ({ output }: { output?: string }) => {
      const text = `${JSON.stringify(await describeServer(), null, 2)}\n`;
      if (output === undefined) process.stdout.write(text);
      else writeDocument(output, text);
    });

/** The document of a server that is built and never listens; its pool connects at its first query, which never comes. */
async function describeServer(): Promise<unknown> {
  const config = { ...readConfig(), ENCRYPTION_KEY: "0".repeat(32) };
  const log = createCommandLogger(config);
  const url = "postgresql://127.0.0.1/none";
  const db = openDatabase({ url, poolSize: 1, prepared: true, log });
  const queue = createJobQueue({ url, log });
  const changes: ChangeFeed = { subscribe: () => undefined, isListening: () => false, close: async () => undefined };
  const app = await createApp({
    config,
    services: createServices({ config, db, changes, queue, log }),
    log,
    limiter: createRateLimiter({ enabled: false, limits: { client: 0, environment: 0, management: 0 } }),
    readiness: {
      isAccepting: () => false,
      isDatabaseReachable: async () => false,
      isMigrated: async () => false,
      isCacheCurrent: () => false,
    },
    overload: null,
    metrics: null,
    tracing: null,
  });
  try {
    await app.ready();
    return app.swagger();
  } finally {
    await app.close();
    await db.close();
  }
}

function writeDocument(file: string, text: string): void {
  try {
    writeFileSync(file, text);
  } catch (error) {
    throw new CommandFailure(`cannot write ${file}: ${error instanceof Error ? error.message : String(error)}`);
  }
}
