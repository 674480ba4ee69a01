import { Command } from "commander";
import type { Logger } from "pino";
import { completeConfig } from "../config/encryption-key.ts";
import { readConfig } from "../config/env.ts";
import { startDatabase } from "../db/start-database.ts";
import { createLogger } from "../logger.ts";
import { openBackend } from "../server.ts";
import { endProcessGracefully } from "../shutdown.ts";

/** How long messages that are under way may take to arrive after the process was told to stop. */
const DRAIN_TIMEOUT_MS = 25_000;

export const workerCommand = (): Command =>
  new Command("worker")
    .description("Delivers webhooks until it is told to stop (SIGTERM), beside servers that run with WEBHOOK_WORKER=off or on.")
    .addHelpText("after", "\nAny number of workers share the work.\n\nExample:\n  mortar worker")
    .action(async () => run(await createLogger(readConfig())));

async function run(log: Logger): Promise<void> {
  const config = completeConfig(readConfig());
  const stopping = new AbortController();
  const starting = start();
  endProcessGracefully({ log, timeoutMs: DRAIN_TIMEOUT_MS, stop });
  await starting;
  if (!stopping.signal.aborted) console.log("Mortar delivers webhooks");

  async function start(): Promise<() => Promise<void>> {
    const database = await startDatabase({ config, log, share: true, signal: stopping.signal });
    const backend = await openBackend({ config, url: database.url, directUrl: database.directUrl, log });
    backend.services.webhookWorker.start();
    return async () => {
      await backend.close();
      await database.stop();
    };
  }

  async function stop(): Promise<void> {
    stopping.abort();
    const close = await starting.catch(() => null); // whoever awaits the start reports why it failed
    await close?.();
  }
}
