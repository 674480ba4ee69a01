import fastify from "fastify";
import { describe, expect, it } from "vitest";
import type { Principal } from "../shared/principal.ts";
import { answerOtherMethods } from "./methods.ts";
import { admit, keyedPermissionOf, requirePermissions } from "./permission-check.ts";
import { PERMISSIONS } from "./permissions.ts";

function build() {
  const app = fastify({ logger: false });
  requirePermissions(app);
  return app;
}

const answer = async () => ({});

describe("requirePermissions", () => {
  it("ends the start at a route that names no operation", () => {
    expect(() => build().get("/things", answer)).toThrow(/^GET, HEAD \/things has no permission|^GET \/things has no permission/);
  });

  it("ends the start at a route whose operation is not in the table, in a child scope too", async () => {
    const app = build();
    app.register(async (child) => child.post("/things", { schema: { operationId: "toString" } }, answer), { prefix: "/a" });
    await expect(app.ready()).rejects.toThrow("POST /a/things has no permission");
  });

  it("gives the permission to the route and to the HEAD that Fastify derives from it", async () => {
    const app = build();
    const seen: unknown[] = [];
    app.addHook("onRequest", async ({ method, routeOptions: { config } }) => {
      seen.push([method, config.operation, config.permission]);
    });
    app.get("/things", { schema: { operationId: "getSurveys" } }, answer);
    await app.inject({ method: "GET", url: "/things" });
    await app.inject({ method: "HEAD", url: "/things" });
    expect(seen).toEqual([
      ["GET", "getSurveys", PERMISSIONS.getSurveys],
      ["HEAD", "getSurveys", PERMISSIONS.getSurveys],
    ]);
  });

  it("ends the start when the table has an entry that no route has", () => {
    const app = fastify({ logger: false });
    const permissions = requirePermissions(app);
    const operations = Object.keys(PERMISSIONS).filter((operation) => operation !== "getSurvey" && operation !== "getMetrics");
    for (const operationId of operations) app.get(`/${operationId}`, { schema: { operationId } }, answer);
    expect(() => permissions.close({ absent: ["getMetrics"] })).toThrow(/no route has: getSurvey$/);
    expect(() => permissions.close({ absent: ["getMetrics", "getSurvey"] })).not.toThrow();
  });

  it("asks nothing of routes that only tell which methods a path serves", async () => {
    const app = build();
    const otherMethods = answerOtherMethods(app);
    app.get("/things", { schema: { operationId: "getSurveys" } }, answer);
    otherMethods.close();
    expect((await app.inject({ method: "DELETE", url: "/things" })).statusCode).toBe(405);
    expect((await app.inject({ method: "OPTIONS", url: "/things" })).statusCode).toBe(204);
  });

  it("does not let a route demand a key that the table does not ask for", async () => {
    const app = build();
    app.get(
      "/things",
      { schema: { operationId: "health" }, onRequest: async (request) => void keyedPermissionOf(request) },
      answer,
    );
    expect((await app.inject("/things")).statusCode).toBe(500);
  });
});

describe("admit", () => {
  const caller: Principal = {
    apiKeyId: "k",
    organizationId: "o",
    createdBy: null,
    organizationAccess: { read: false, write: false },
    permissions: new Map([
      ["reads", "read"],
      ["writes", "write"],
      ["manages", "manage"],
    ]),
  };
  const environments = (level: "read" | "write" | "manage") => [
    ...admit(caller, { audience: "management", scope: "environment", level }).permissions.keys(),
  ];

  it("leaves the caller the environments on which they hold the level of the operation", () => {
    expect(environments("read")).toEqual(["reads", "writes", "manages"]);
    expect(environments("write")).toEqual(["writes", "manages"]);
    expect(environments("manage")).toEqual(["manages"]);
  });

  it("takes a key that has no environment for none, where the operation does not let it in", () => {
    const none: Principal = { ...caller, permissions: new Map() };
    expect(() => admit(none, PERMISSIONS.getWebhooks)).toThrow(expect.objectContaining({ kind: "unauthenticated" }));
    expect(admit(none, PERMISSIONS.getSurveys).permissions.size).toBe(0);
  });

  it("leaves the caller whole where no environment is asked for", () => {
    expect(admit(caller, PERMISSIONS.me)).toBe(caller);
    expect(admit(caller, PERMISSIONS.getRoles)).toBe(caller);
  });
});
