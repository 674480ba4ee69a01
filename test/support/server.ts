import type { FastifyInstance } from "fastify";
import { pino } from "pino";
import supertest from "supertest";
import { inject } from "vitest";
import { type CompleteConfig, readConfig } from "../../src/config/env.ts";
import type { Database } from "../../src/db/database.ts";
import { createServer } from "../../src/server.ts";
import type { Services } from "../../src/services.ts";

export interface TestServer {
  app: FastifyInstance;
  baseUrl: string;
  /** Sends requests to the server: `await request.get("/health")`. */
  request: supertest.Agent;
  services: Services;
  db: Database;
  close(): Promise<void>;
}

/** The server as the process builds it, listening on a free port, over the run's shared database; limits are off. */
export async function startTestServer(overrides: Partial<CompleteConfig> = {}): Promise<TestServer> {
  const log = pino({ level: process.env.TEST_LOG_LEVEL ?? "silent" });
  const config: CompleteConfig = {
    ...readConfig({ RATE_LIMIT: "off", DATABASE_POOL_SIZE: "4" }),
    ENCRYPTION_KEY: "an encryption key for tests only, 0123456789",
    ...overrides,
  };
  const url = config.DATABASE_URL ?? inject("databaseUrl");
  const { app, services, db, close } = await createServer({ config, url, directUrl: config.DATABASE_DIRECT_URL, log });
  const baseUrl = await app.listen({ host: "127.0.0.1", port: 0 });
  return { app, baseUrl, request: supertest.agent(baseUrl), services, db, close };
}
