import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createApiKeyService } from "../../src/api-keys/service.ts";
import type { ChangeFeed } from "../../src/db/change-feed.ts";
import type { Database } from "../../src/db/database.ts";
import { newId } from "../../src/shared/ids.ts";
import { buildApiKey, buildTenant } from "../support/build.ts";
import { startTestServer, type TestServer } from "../support/server.ts";

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.close());

const FEED: ChangeFeed = { subscribe: () => undefined, isListening: () => true, close: async () => undefined };

/** A service with a clock of its own. It tells the statements it sent by name, and can do without one of them. */
function withClock({ failing }: { failing?: string } = {}) {
  const clock = { ms: Date.parse("2026-01-01T00:00:00.000Z") };
  const statements: string[] = [];
  const query: Database["query"] = (statement, values) => {
    const name = typeof statement === "object" ? statement.name : statement;
    statements.push(name);
    return name === failing ? Promise.reject(new Error("the database is away")) : server.db.query(statement, values);
  };
  const service = createApiKeyService({ db: { ...server.db, query }, changes: FEED, newId, now: () => clock.ms });
  return { clock, statements, service };
}

describe("authenticate", () => {
  it("reads a key once while it is fresh, however many use it at the same time", async () => {
    const { apiKey } = await buildTenant(server.db);
    const { clock, statements, service } = withClock();
    const reads = () => statements.filter((name) => name === "api_key_find");
    await Promise.all(Array.from({ length: 10 }, () => service.authenticate(apiKey)));
    await service.authenticate(apiKey);
    expect(reads()).toHaveLength(1);
    clock.ms += 30_000;
    await service.authenticate(apiKey);
    expect(reads()).toHaveLength(2);
  });

  it("remembers no key that does not exist, so that it works as soon as it does", async () => {
    const { organizationId } = await buildTenant(server.db);
    const secret = `fbk_${newId()}`;
    const { service } = withClock();
    await expect(service.authenticate(secret)).rejects.toMatchObject({ kind: "unauthenticated" });
    await service.create({ organizationId, label: "late", secret });
    await expect(service.authenticate(secret)).resolves.toMatchObject({ organizationId });
  });

  it("notes the last use at most every 30 seconds", async () => {
    const { organizationId, apiKey } = await buildTenant(server.db);
    const { clock, service } = withClock();
    const lastUsedAt = async () => (await service.list({ organizationId }))[0]?.lastUsedAt?.toISOString();
    await service.authenticate(apiKey);
    await expect.poll(lastUsedAt).toBe("2026-01-01T00:00:00.000Z");
    clock.ms += 29_999;
    await service.authenticate(apiKey);
    clock.ms += 1;
    await service.authenticate(apiKey);
    await expect.poll(lastUsedAt).toBe("2026-01-01T00:00:30.000Z");
  });

  it("does not fail when the last use cannot be noted", async () => {
    const { organizationId, apiKey } = await buildTenant(server.db);
    const { service, statements } = withClock({ failing: "api_key_touch" });
    await expect(service.authenticate(apiKey)).resolves.toMatchObject({ organizationId });
    expect(statements).toEqual(["api_key_find", "api_key_touch"]);
  });

  it("grants nothing that the row does not say in the known words", async () => {
    const { organizationId, environmentId, developmentId } = await buildTenant(server.db);
    const secret = await buildApiKey(server.db, { organizationId, permissions: {} });
    const rows = [
      {
        permissions: { [environmentId]: "admin", [developmentId]: "write" },
        organizationAccess: { accessControl: { read: "yes" } },
      },
      { permissions: ["read"], organizationAccess: [] },
    ];
    const granted = [];
    for (const data of rows) {
      await server.db.prisma.apiKey.updateMany({ where: { organizationId, createdBy: null }, data });
      const { permissions, organizationAccess } = await withClock().service.authenticate(secret);
      granted.push({ permissions: [...permissions], organizationAccess });
    }
    const organizationAccess = { read: false, write: false };
    expect(granted).toEqual([
      { permissions: [[developmentId, "write"]], organizationAccess },
      { permissions: [], organizationAccess },
    ]);
  });
});

describe("create, list and revoke", () => {
  it("returns the secret once and stores its hash only", async () => {
    const { organizationId, environmentId, ownerId } = await buildTenant(server.db);
    const { service } = withClock();
    const permissions = { [environmentId]: "write" } as const;
    const organizationAccess = { read: true, write: false };
    const { apiKey, secret } = await service.create({
      organizationId,
      label: " CI ",
      permissions,
      organizationAccess,
      createdBy: ownerId,
    });
    expect(secret).toMatch(/^fbk_[\w-]{43}$/);
    expect(apiKey).toEqual({
      id: expect.stringMatching(/^c[a-z0-9]{24}$/),
      createdAt: new Date("2026-01-01T00:00:00.000Z"),
      createdBy: ownerId,
      lastUsedAt: null,
      label: "CI",
      organizationId,
      organizationAccess,
      permissions,
    });
    expect(await service.list({ organizationId })).toContainEqual(apiKey);
    const stored = await server.db.prisma.apiKey.findUnique({ where: { id: apiKey.id } });
    expect(JSON.stringify(stored)).not.toContain(secret.slice("fbk_".length));
    await expect(service.authenticate(secret)).resolves.toEqual({
      apiKeyId: apiKey.id,
      organizationId,
      createdBy: ownerId,
      organizationAccess,
      permissions: new Map([[environmentId, "write"]]),
    });
  });

  it("refuses what is not the organization's, an empty label, and a key of another form", async () => {
    const [tenant, neighbour] = [await buildTenant(server.db), await buildTenant(server.db)];
    const { organizationId } = tenant;
    const { service } = withClock();
    await expect(service.create({ organizationId: newId(), label: "x" })).rejects.toMatchObject({ kind: "not_found" });
    await expect(service.create({ organizationId, label: " " })).rejects.toMatchObject({ issues: [{ field: "label" }] });
    await expect(service.create({ organizationId, label: "x", secret: "short" })).rejects.toMatchObject({
      issues: [{ field: "secret" }],
    });
    const permissions = { [tenant.environmentId]: "read", [neighbour.environmentId]: "read" } as const;
    await expect(service.create({ organizationId, label: "x", permissions, createdBy: neighbour.ownerId })).rejects.toMatchObject(
      {
        kind: "invalid",
        issues: [{ field: `permissions.${neighbour.environmentId}` }, { field: "createdBy" }],
      },
    );
    expect(await service.list({ organizationId })).toHaveLength(1);
  });

  it("refuses a key that exists", async () => {
    const { organizationId } = await buildTenant(server.db);
    const { service } = withClock();
    const secret = `fbk_${newId()}`;
    await service.create({ organizationId, label: "x", secret });
    await expect(service.create({ organizationId, label: "y", secret })).rejects.toMatchObject({ kind: "conflict" });
  });

  it("revokes a key of the named organization only", async () => {
    const [tenant, neighbour] = [await buildTenant(server.db), await buildTenant(server.db)];
    const { service } = withClock();
    const [key] = await service.list(tenant);
    const id = key?.id ?? "";
    await expect(service.revoke({ id, organizationId: neighbour.organizationId })).rejects.toMatchObject({ kind: "not_found" });
    await service.authenticate(tenant.apiKey);
    await service.revoke({ id });
    await expect(service.authenticate(tenant.apiKey)).rejects.toMatchObject({ kind: "unauthenticated" });
    await expect(service.revoke({ id })).rejects.toMatchObject({ kind: "not_found" });
  });
});
