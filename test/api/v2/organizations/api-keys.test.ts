import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { newId } from "../../../../src/shared/ids.ts";
import type { PermissionLevel } from "../../../../src/shared/principal.ts";
import { buildApiKey, buildTenant, type Tenant } from "../../../support/build.ts";
import { startTestServer, type TestServer } from "../../../support/server.ts";

let server: TestServer;
/** Another process over the same database, as far as caches go. */
let replica: TestServer;
let tenant: Tenant;
let neighbour: Tenant;
beforeAll(async () => {
  [server, replica] = await Promise.all([startTestServer(), startTestServer()]);
  [tenant, neighbour] = [await buildTenant(server.db), await buildTenant(server.db)];
});
afterAll(() => Promise.all([server.close(), replica.close()]));

const ISO = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
const ID = expect.stringMatching(/^c[a-z0-9]{24}$/);
const SECRET = expect.stringMatching(/^fbk_[\w-]{43}$/);
const UNAUTHORIZED = { error: { code: 401, message: "Unauthorized" } };
const FORBIDDEN = { error: { code: 403, message: "Forbidden" } };
const NOT_FOUND = { error: { code: 404, message: "Not Found", details: [{ field: "apiKey", issue: "not found" }] } };

type Method = "get" | "post" | "delete";
type Caller = Pick<Tenant, "apiKey">;
const send = (method: Method, path: string, body?: unknown, { apiKey }: Caller = tenant) => {
  const request = server.request[method](path).set("x-api-key", apiKey);
  return body === undefined ? request : request.send(JSON.stringify(body));
};
const keysOf = ({ organizationId }: Pick<Tenant, "organizationId"> = tenant) =>
  `/api/v2/organizations/${organizationId}/api-keys`;
const isAccepted = async (apiKey: string, at: TestServer = server): Promise<boolean> =>
  (await at.request.get("/api/v2/roles").set("x-api-key", apiKey)).status === 200;

interface MadeKey {
  id: string;
  secret: string;
}
const make = async (body: object = {}, owner: Tenant = tenant): Promise<MadeKey> => {
  const whole = { label: "made", environmentPermissions: [{ environmentId: owner.environmentId, permission: "read" }], ...body };
  return (await send("post", keysOf(owner), whole, owner).expect(201)).body.data;
};

/** A key that may write to the organization and holds `level` on its production environment. */
const weaker = async (level: PermissionLevel, write = true): Promise<Caller> => ({
  apiKey: await buildApiKey(server.db, {
    organizationId: tenant.organizationId,
    ownerId: tenant.ownerId,
    permissions: { [tenant.environmentId]: level },
    organizationAccess: { read: true, write },
  }),
});

describe("POST /api/v2/organizations/{organizationId}/api-keys", () => {
  it("answers 201 with a key that works, shows its secret once and stores a hash", async () => {
    const { environmentId, developmentId, organizationId, ownerId } = tenant;
    const body = {
      label: " export ",
      environmentPermissions: [
        { environmentId, permission: "write" },
        { workspaceId: developmentId, permission: "manage" },
      ],
      organizationAccess: { accessControl: { read: true } },
    };
    const response = await send("post", keysOf(), body).expect(201);
    const shown = {
      id: ID,
      createdAt: ISO,
      createdBy: null,
      lastUsedAt: null,
      label: "export",
      organizationId,
      organizationAccess: { accessControl: { read: true, write: false } },
      environmentPermissions: [
        { environmentId, workspaceId: environmentId, permission: "write" },
        { environmentId: developmentId, workspaceId: developmentId, permission: "manage" },
      ],
    };
    expect(response.body).toEqual({ data: { ...shown, createdBy: ownerId, secret: SECRET } });
    const { id, secret } = response.body.data;
    const read = await send("get", `${keysOf()}/${id}`).expect(200);
    expect(read.text).not.toContain(secret);
    const stored = await server.db.prisma.apiKey.findFirstOrThrow({ where: { id } });
    expect(JSON.stringify(stored)).not.toContain(secret);
    const me = await send("get", "/api/v2/me", undefined, { apiKey: secret }).expect(200);
    expect(me.body.data.environmentPermissions.map(({ permissions }: { permissions: string }) => permissions).sort()).toEqual([
      "manage",
      "write",
    ]);
  });

  it("names an environment by its legacy id, too", async () => {
    const owner = await buildTenant(server.db);
    const legacyId = newId();
    await server.db.prisma.environment.update({ where: { id: owner.environmentId }, data: { legacyId } });
    const environmentPermissions = [{ environmentId: legacyId, permission: "read" }];
    const { secret } = await make({ environmentPermissions }, owner);
    const me = await send("get", "/api/v1/management/surveys", undefined, { apiKey: secret }).expect(200);
    expect(me.body).toEqual({ data: [] });
  });

  it.each<[held: PermissionLevel, asked: PermissionLevel, status: number]>([
    ["read", "read", 201],
    ["read", "write", 403],
    ["read", "manage", 403],
    ["write", "write", 201],
    ["write", "manage", 403],
    ["manage", "manage", 201],
  ])("of a key that holds %s, asked for %s, answers %i", async (held, asked, status) => {
    const caller = await weaker(held);
    const body = { label: "l", environmentPermissions: [{ environmentId: tenant.environmentId, permission: asked }] };
    const before = await server.db.prisma.apiKey.count({ where: { organizationId: tenant.organizationId } });
    const response = await send("post", keysOf(), body, caller).expect(status);
    if (status === 403) expect(response.body).toEqual(FORBIDDEN);
    const after = await server.db.prisma.apiKey.count({ where: { organizationId: tenant.organizationId } });
    expect(after - before).toBe(status === 201 ? 1 : 0);
  });

  it("answers 403 to an environment that the key itself may not use", async () => {
    const body = { label: "l", environmentPermissions: [{ environmentId: tenant.developmentId, permission: "read" }] };
    expect((await send("post", keysOf(), body, await weaker("manage")).expect(403)).body).toEqual(FORBIDDEN);
  });

  it("answers 422 to an environment of another organization, as to one that there is not", async () => {
    for (const environmentId of [neighbour.environmentId, newId()]) {
      const body = { label: "l", environmentPermissions: [{ environmentId, permission: "read" }] };
      const response = await send("post", keysOf(), body).expect(422);
      expect(response.body.error.details).toEqual([
        { field: `permissions.${environmentId}`, issue: "The organization has no such environment" },
      ]);
    }
  });

  it.each<[object, string]>([
    [{ label: " " }, "label"],
    [{ label: undefined }, "label"],
    [{ environmentPermissions: [] }, "environmentPermissions"],
    [{ environmentPermissions: [{ permission: "read" }] }, "environmentPermissions.0"],
    [{ environmentPermissions: [{ environmentId: "A-1", permission: "read" }] }, "environmentPermissions.0.environmentId"],
    [{ environmentPermissions: [{ environmentId: "a", permission: "own" }] }, "environmentPermissions.0.permission"],
    [
      { environmentPermissions: ["read", "write"].map((permission) => ({ environmentId: "a", permission })) },
      "environmentPermissions",
    ],
    [{ organizationAccess: { accessControl: { read: "yes" } } }, "organizationAccess.accessControl.read"],
  ])("answers 422 to %j", async (body, field) => {
    const valid = { label: "l", environmentPermissions: [{ environmentId: tenant.environmentId, permission: "read" }] };
    const response = await send("post", keysOf(), { ...valid, ...body }).expect(422);
    expect(response.body.error.details).toMatchObject([{ field }]);
  });

  it("answers 400 to what is no JSON", async () => {
    await server.request.post(keysOf()).set("x-api-key", tenant.apiKey).send("{").expect(400);
  });

  it("answers 403 to a key whose creator is no longer a member", async () => {
    const owner = await buildTenant(server.db);
    const apiKey = await buildApiKey(server.db, {
      organizationId: owner.organizationId,
      ownerId: owner.ownerId,
      permissions: { [owner.environmentId]: "manage" },
      organizationAccess: { read: true, write: true },
    });
    const body = { label: "l", environmentPermissions: [{ environmentId: owner.environmentId, permission: "read" }] };
    await send("post", keysOf(owner), body, { apiKey }).expect(201);
    await server.db.prisma.membership.deleteMany({ where: { userId: owner.ownerId } });
    await send("post", keysOf(owner), body, { apiKey }).expect(403);
  });
});

describe("GET /api/v2/organizations/{organizationId}/api-keys", () => {
  it("answers 200 with the organization's keys, page by page, without secrets", async () => {
    const owner = await buildTenant(server.db);
    const [first, second] = [await make({ label: "first" }, owner), await make({ label: "second" }, owner)];
    const response = await send("get", `${keysOf(owner)}?limit=2&order=desc`, undefined, owner).expect(200);
    expect(response.body.meta).toEqual({ total: 3, limit: 2, offset: 0 });
    expect(response.body.data.map(({ id }: MadeKey) => id)).toEqual([second.id, first.id]);
    expect(response.text).not.toMatch(/fbk_|lookupHash|secret/);
    expect((await send("get", `${keysOf(owner)}?endDate=2001-01-01`, undefined, owner)).body.data).toEqual([]);
  });

  it.each(["limit=0", "sortBy=updatedAt", "filterDateField=updatedAt"])("answers 422 to ?%s", async (query) => {
    await send("get", `${keysOf()}?${query}`).expect(422);
  });

  it("answers 404 to a key of another organization, and to none", async () => {
    const { id } = await make({}, neighbour);
    for (const other of [id, newId()]) expect((await send("get", `${keysOf()}/${other}`).expect(404)).body).toEqual(NOT_FOUND);
    await send("get", `${keysOf()}/A-1`).expect(422);
  });
});

describe("POST /api/v2/organizations/{organizationId}/api-keys/{apiKeyId}/rotate", () => {
  it("answers 200 with a new secret; the old one is void at once on every replica", async () => {
    const { id, secret } = await make();
    expect([await isAccepted(secret), await isAccepted(secret, replica)]).toEqual([true, true]);
    const response = await send("post", `${keysOf()}/${id}/rotate`).expect(200);
    expect(response.body.data).toMatchObject({ id, secret: SECRET, lastUsedAt: null });
    expect(await isAccepted(secret)).toBe(false);
    await expect.poll(() => isAccepted(secret, replica), { timeout: 1_000, interval: 5 }).toBe(false);
    expect([await isAccepted(response.body.data.secret), await isAccepted(response.body.data.secret, replica)]).toEqual([
      true,
      true,
    ]);
  });

  it("answers 403 for a key that may do more than the caller, whose secret would be worth more", async () => {
    const strong = await make({ environmentPermissions: [{ environmentId: tenant.environmentId, permission: "manage" }] });
    expect((await send("post", `${keysOf()}/${strong.id}/rotate`, undefined, await weaker("write")).expect(403)).body).toEqual(
      FORBIDDEN,
    );
    expect(await isAccepted(strong.secret)).toBe(true);
  });

  it("answers 403 to a manager's key for an owner's and for one that no role limits", async () => {
    const { organizationId, environmentId } = tenant;
    const email = `${newId()}@example.com`;
    const manager = await server.db.prisma.user.create({
      data: { id: newId(), email, emailKey: email, name: "Manager" },
    });
    const own = { organizationId, userId: manager.id };
    await server.db.prisma.membership.create({ data: { ...own, role: "manager", accepted: true } });
    const access = {
      organizationId,
      permissions: { [environmentId]: "read" as const },
      organizationAccess: { read: true, write: true },
    };
    const caller = { apiKey: await buildApiKey(server.db, { ...access, ownerId: manager.id }) };
    await buildApiKey(server.db, { ...access, ownerId: null });
    const ofNobody = await server.db.prisma.apiKey.findFirstOrThrow({ where: { organizationId, createdBy: null } });
    for (const { id } of [await make(), ofNobody])
      expect((await send("post", `${keysOf()}/${id}/rotate`, undefined, caller).expect(403)).body).toEqual(FORBIDDEN);
    const colleague = (
      await send("post", keysOf(), { label: "mine", environmentPermissions: [{ environmentId, permission: "read" }] }, caller)
    ).body.data;
    await send("post", `${keysOf()}/${colleague.id}/rotate`, undefined, caller).expect(200);
  });

  it("with an Idempotency-Key answers the same secret again", async () => {
    const { id } = await make();
    const rotate = () => send("post", `${keysOf()}/${id}/rotate`).set("idempotency-key", id).expect(200);
    const [first, second] = [await rotate(), await rotate()];
    expect(second.text).toBe(first.text);
    expect(second.headers["idempotent-replayed"]).toBe("true");
    expect(await isAccepted(first.body.data.secret)).toBe(true);
  });

  it("answers 404 to a key of another organization", async () => {
    const { id, secret } = await make({}, neighbour);
    expect((await send("post", `${keysOf()}/${id}/rotate`).expect(404)).body).toEqual(NOT_FOUND);
    expect(await isAccepted(secret)).toBe(true);
  });
});

describe("DELETE /api/v2/organizations/{organizationId}/api-keys/{apiKeyId}", () => {
  it("answers 200, and no request passes with the key any more, on any replica", async () => {
    const { id, secret } = await make();
    expect([await isAccepted(secret), await isAccepted(secret, replica)]).toEqual([true, true]);
    const response = await send("delete", `${keysOf()}/${id}`).expect(200);
    expect(response.body.data).toMatchObject({ id, label: "made" });
    expect(await isAccepted(secret)).toBe(false);
    await expect.poll(() => isAccepted(secret, replica), { timeout: 1_000, interval: 5 }).toBe(false);
    expect((await send("delete", `${keysOf()}/${id}`).expect(404)).body).toEqual(NOT_FOUND);
  });

  it("answers 404 to a key of another organization, which goes on working", async () => {
    const { id, secret } = await make({}, neighbour);
    await send("delete", `${keysOf()}/${id}`).expect(404);
    expect(await isAccepted(secret)).toBe(true);
  });
});

describe("every route of API keys", () => {
  it("answers 401 without organization access, with less than it needs, and to a neighbour", async () => {
    const { id } = await make();
    const { organizationId, environmentId } = tenant;
    const none = { apiKey: await buildApiKey(server.db, { organizationId, permissions: { [environmentId]: "manage" } }) };
    const reader = await weaker("manage", false);
    const body = { label: "l", environmentPermissions: [{ environmentId, permission: "read" }] };
    for (const caller of [none, neighbour]) {
      expect((await send("get", keysOf(), undefined, caller).expect(401)).body).toEqual(UNAUTHORIZED);
      await send("get", `${keysOf()}/${id}`, undefined, caller).expect(401);
    }
    for (const caller of [none, reader, neighbour]) {
      await send("post", keysOf(), body, caller).expect(401);
      await send("post", `${keysOf()}/${id}/rotate`, undefined, caller).expect(401);
      await send("delete", `${keysOf()}/${id}`, undefined, caller).expect(401);
    }
    await server.request.get(keysOf()).expect(401);
  });
});
