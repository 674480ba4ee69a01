/** What stands between the configuration and a listening socket; the process, the command line and the tests share it. */
import type { FastifyInstance } from "fastify";
import type { Logger } from "pino";
import { createApp } from "./app.ts";
import type { CompleteConfig } from "./config/env.ts";
import { type ChangeFeed, openChangeFeed } from "./db/change-feed.ts";
import { type Database, openDatabase } from "./db/database.ts";
import { pendingMigrations } from "./db/migrate.ts";
import { createRateLimiter } from "./http/rate-limit.ts";
import { createServices, type Services } from "./services.ts";

export interface BackendOptions {
  config: CompleteConfig;
  /** Of a database that is migrated, or will be before the first call. */
  url: string;
  /** The same database past a transaction pooler. */
  directUrl?: string | undefined;
  log: Logger;
}

/** Everything below HTTP. */
export interface Backend {
  db: Database;
  changes: ChangeFeed;
  services: Services;
  close(): Promise<void>;
}

export interface Server extends Backend {
  /** Built, not listening. */
  app: FastifyInstance;
  /** What is done besides answering requests; called once the server listens. */
  startBackgroundWork(): void;
  /** From now on `/ready` answers 503; requests are still served. */
  stopAccepting(): void;
  /** Waits for the requests that are being served, then closes the rest. */
  close(): Promise<void>;
}

export async function openBackend({ config, url, directUrl = url, log }: BackendOptions): Promise<Backend> {
  const db = openDatabase({ url, poolSize: config.DATABASE_POOL_SIZE, log });
  const changes = await openChangeFeed({ url: directUrl, log });
  const services = createServices({ config, db, changes, log });
  return { db, changes, services, close };

  async function close(): Promise<void> {
    await services.webhookWorker.stop();
    await changes.close();
    await db.close();
  }
}

export async function createServer(options: BackendOptions): Promise<Server> {
  const { config, log } = options;
  const backend = await openBackend(options);
  const { db, changes, services } = backend;
  let isAccepting = true;
  let isMigrated = false;
  const limiter = createRateLimiter({ enabled: config.RATE_LIMIT });
  const readiness = {
    isAccepting: () => isAccepting,
    isDatabaseReachable: db.isReachable,
    isCacheCurrent: changes.isListening,
    isMigrated: checkMigrated,
  };
  const app = await createApp({ config, services, log, limiter, readiness });
  return { ...backend, app, startBackgroundWork, stopAccepting, close };

  function startBackgroundWork(): void {
    if (config.WEBHOOK_WORKER) services.webhookWorker.start();
  }

  function stopAccepting(): void {
    isAccepting = false;
  }

  /** Asked until it is true: a release's migrations are not undone while it runs. */
  async function checkMigrated(): Promise<boolean> {
    isMigrated ||= await pendingMigrations(db).then(
      (names) => names.length === 0,
      () => false,
    );
    return isMigrated;
  }

  async function close(): Promise<void> {
    stopAccepting();
    // Node closes the connections that are idle when it is told to, not those that become so.
    const sweep = setInterval(() => app.server.closeIdleConnections(), 100);
    await app.close();
    clearInterval(sweep);
    await backend.close();
  }
}
