import { Writable } from "node:stream";
import fastify, { type FastifyBaseLogger, LogController } from "fastify";
import { pino } from "pino";
import { describe, expect, it } from "vitest";
import { type AccessLog, logRequests } from "./access-log.ts";

/** The lines that one request of each path leaves in the log. */
async function linesOf(what: AccessLog, paths: string[], random?: () => number): Promise<unknown[]> {
  const lines: string[] = [];
  const stream = new Writable({
    write(chunk, _encoding, done) {
      lines.push(String(chunk));
      done();
    },
  });
  const loggerInstance: FastifyBaseLogger = pino(stream);
  const logController = new LogController({ disableRequestLogging: true });
  const app = fastify({ loggerInstance, logController, genReqId: () => "r1" });
  logRequests(app, what, random);
  app.get("/things/:id", async () => "thing");
  app.get("/health", { logLevel: "warn" }, async () => "well");
  app.get("/slow", async () => new Promise((resume) => setTimeout(resume, 1_050, "at last")));
  app.get("/broken", async (_request, reply) => reply.status(503).send("broken"));
  app.get("/mine", async (request) => {
    request.principal = {
      apiKeyId: "key1",
      organizationId: "o1",
      permissions: new Map(),
      createdBy: null,
      organizationAccess: { read: false, write: false },
    };
    return "mine";
  });
  for (const path of paths) await app.inject(path);
  await app.close();
  return lines.map((line) => {
    const { route, method, status, apiKeyId, reqId, level, ms } = JSON.parse(line);
    return { level, reqId, route, method, status, apiKeyId, isSlow: ms >= 1_000 };
  });
}

const line = (route: string | null, status: number) => ({ level: 30, reqId: "r1", route, method: "GET", status, isSlow: false });

describe("the access log", () => {
  it("has a line for each request, with patterns instead of paths and the key's id, health checks left out", async () => {
    expect(await linesOf("all", ["/things/secret", "/unknown/secret", "/health", "/mine"])).toEqual([
      line("/things/:id", 200),
      line(null, 404),
      { ...line("/mine", 200), apiKeyId: "key1" },
    ]);
  });

  it("has only failures and slow answers when asked for errors", async () => {
    expect(await linesOf("errors", ["/things/1", "/unknown", "/broken", "/slow"])).toEqual([
      line("/broken", 503),
      { ...line("/slow", 200), isSlow: true },
    ]);
  });

  it("has a share of the requests, and every failure", async () => {
    const draws = [0.1, 0.5, 0.3];
    const random = () => draws.shift() ?? 1;
    expect(await linesOf(0.4, ["/things/1", "/things/2", "/things/3", "/broken"], random)).toEqual([
      line("/things/:id", 200),
      line("/things/:id", 200),
      line("/broken", 503),
    ]);
  });

  it("is empty when it is off", async () => {
    expect(await linesOf("off", ["/things/1", "/broken"])).toEqual([]);
  });
});
