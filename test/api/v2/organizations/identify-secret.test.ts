import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { newId } from "../../../../src/shared/ids.ts";
import type { PermissionLevel } from "../../../../src/shared/principal.ts";
import { signUserId } from "../../../../src/shared/user-signature.ts";
import { buildApiKey, buildTenant, type Tenant } from "../../../support/build.ts";
import { startTestServer, type TestServer } from "../../../support/server.ts";

let server: TestServer;
/** Another process over the same database, as far as caches go; its installation asks for signatures everywhere. */
let replica: TestServer;
let tenant: Tenant;
let neighbour: Tenant;
beforeAll(async () => {
  [server, replica] = await Promise.all([
    startTestServer(),
    startTestServer({ IDENTIFY_SECRET: ["the secret of the installation, 0123"] }),
  ]);
  neighbour = await buildTenant(server.db);
});
beforeEach(async () => {
  tenant = await buildTenant(server.db);
});
afterAll(() => Promise.all([server.close(), replica.close()]));

const UNAUTHORIZED = { error: { code: 401, message: "Unauthorized" } };
const FORBIDDEN = { error: { code: 403, message: "Forbidden" } };
const NOT_FOUND = { error: { code: 404, message: "Not Found", details: [{ field: "environment", issue: "not found" }] } };
const OFF = { isSet: false, hasPrevious: false, isRequired: false };
const ON = { isSet: true, hasPrevious: false, isRequired: true };
const BOTH = { isSet: true, hasPrevious: true, isRequired: true };

type Method = "get" | "put" | "post" | "delete";
interface Options {
  body?: unknown;
  apiKey?: string;
  environmentId?: string;
  organizationId?: string;
}

const send = (method: Method, path = "", { body, ...other }: Options = {}) => {
  const { apiKey, environmentId, organizationId } = { ...tenant, ...other };
  const url = `/api/v2/organizations/${organizationId}/environments/${environmentId}/identify-secret${path}`;
  const request = server.request[method](url).set("x-api-key", apiKey);
  return body === undefined ? request : request.send(JSON.stringify(body));
};
const rotate = async (): Promise<string> => (await send("post", "/rotate").expect(200)).body.data.secret;
const newSecret = () => randomBytes(24).toString("base64url");

const identify = async (secret?: string, at: TestServer = server): Promise<number> => {
  const signature = secret === undefined ? {} : { userIdSignature: signUserId(secret, "ada") };
  const path = `/api/v2/client/${tenant.environmentId}/user`;
  return (await at.request.post(path).send({ userId: "ada", ...signature })).status;
};

const keyWith = (level: PermissionLevel | null, organization: { read: boolean; write: boolean }, ownerId = tenant.ownerId) =>
  buildApiKey(server.db, {
    organizationId: tenant.organizationId,
    ownerId,
    permissions: level === null ? {} : { [tenant.environmentId]: level },
    organizationAccess: organization,
  });

describe("an environment's identify secret over HTTP", () => {
  it("is made, followed by another, narrowed to that, and removed, in effect at once", async () => {
    expect((await send("get").expect(200)).body).toEqual({ data: OFF });
    expect(await identify()).toBe(200);

    const one = await send("post", "/rotate").expect(200);
    expect(one.body).toEqual({ data: { secret: expect.stringMatching(/^[\w-]{43}$/), hasPrevious: false } });
    const first: string = one.body.data.secret;
    expect([await identify(), await identify("x"), await identify(first)]).toEqual([401, 403, 200]);
    expect((await send("get").expect(200)).body).toEqual({ data: ON });

    const second = await rotate();
    expect((await send("get").expect(200)).body).toEqual({ data: BOTH });
    expect([await identify(first), await identify(second)]).toEqual([200, 200]);

    expect((await send("delete", "/previous").expect(200)).body).toEqual({ data: ON });
    expect([await identify(first), await identify(second)]).toEqual([403, 200]);
    expect((await send("delete", "/previous").expect(200)).body).toEqual({ data: ON });

    expect((await send("delete").expect(200)).body).toEqual({ data: OFF });
    expect(await identify()).toBe(200);
    expect((await send("delete").expect(200)).body).toEqual({ data: OFF });
  });

  it("is heard of by other processes, where the installation's own applies once it is removed", async () => {
    const secret = await rotate();
    await expect.poll(() => identify(secret, replica), { timeout: 2_000 }).toBe(200);
    await send("delete").expect(200);
    await expect.poll(() => identify(secret, replica), { timeout: 2_000 }).toBe(403);
    const { body } = await replica.request
      .get(`/api/v2/organizations/${tenant.organizationId}/environments/${tenant.environmentId}/identify-secret`)
      .set("x-api-key", tenant.apiKey);
    expect(body).toEqual({ data: { ...OFF, isRequired: true } });
  });

  it("is taken from the caller, keeping the one before unless told not to, and knows one that is set again", async () => {
    const [one, two, three] = [newSecret(), newSecret(), newSecret()];
    expect((await send("put", "", { body: { secret: one } }).expect(200)).body).toEqual({ data: ON });
    expect((await send("put", "", { body: { secret: two } }).expect(200)).body).toEqual({ data: BOTH });
    expect((await send("put", "", { body: { secret: two } }).expect(200)).body).toEqual({ data: BOTH });
    expect([await identify(one), await identify(two)]).toEqual([200, 200]);
    expect((await send("put", "", { body: { secret: two, keepPrevious: false } }).expect(200)).body).toEqual({ data: ON });
    expect([await identify(one), await identify(two)]).toEqual([403, 200]);
    expect((await send("put", "", { body: { secret: three, keepPrevious: false } }).expect(200)).body).toEqual({ data: ON });
    expect([await identify(two), await identify(three)]).toEqual([403, 200]);
  });

  it("is stored sealed, and named but not told by the audit log and by any later answer", async () => {
    const given = newSecret();
    await send("put", "", { body: { secret: given } }).expect(200);
    const made = await rotate();
    await send("delete", "/previous").expect(200);
    const [row] = await server.db.query<{ identifySecret: string }>(`select "identifySecret" from environments where id = $1`, [
      tenant.environmentId,
    ]);
    expect(row?.identifySecret).toMatch(/^v1\./);
    await send("delete").expect(200);
    const log = await server.request
      .get(`/api/v2/organizations/${tenant.organizationId}/audit-log?targetType=environment`)
      .set("x-api-key", tenant.apiKey)
      .expect(200);
    const entries: { operation: string; changedFields: string[]; targetId: string }[] = log.body.data;
    expect(entries.map(({ operation, changedFields }) => [operation, changedFields]).reverse()).toEqual([
      ["setIdentifySecret", ["identifySecret"]],
      ["rotateIdentifySecret", ["identifySecret", "previousIdentifySecret"]],
      ["dropPreviousIdentifySecret", ["previousIdentifySecret"]],
      ["deleteIdentifySecret", ["identifySecret"]],
    ]);
    expect(new Set(entries.map(({ targetId }) => targetId))).toEqual(new Set([tenant.environmentId]));
    for (const secret of [given, made, row?.identifySecret ?? ""]) expect(log.text).not.toContain(secret);
  });

  it("is made once for a request that is sent twice with one key", async () => {
    const answers = [1, 2].map(() => send("post", "/rotate").set("idempotency-key", "once").expect(200));
    const [one, two] = [(await answers[0])?.body, (await answers[1])?.body];
    expect(two).toEqual(one);
    expect((await send("get").expect(200)).body).toEqual({ data: ON });
  });

  it("keeps one that was good before when two are made at once", async () => {
    const [one, two] = await Promise.all([rotate(), rotate()]);
    expect([await identify(one), await identify(two)]).toEqual([200, 200]);
  });
});

describe("an identify secret over HTTP is refused with", () => {
  const CALLS = [
    ["get", ""],
    ["put", ""],
    ["post", "/rotate"],
    ["delete", "/previous"],
    ["delete", ""],
  ] as const;
  const bodyOf = (method: Method) => (method === "put" ? { body: { secret: newSecret() } } : {});

  it.each(CALLS)(
    "401: %s%s without a key, with a neighbour's, and with one that lacks access to the organization",
    async (...call) => {
      const [method, path] = call;
      const access = method === "get" ? { read: false, write: false } : { read: true, write: false };
      for (const apiKey of ["nobody's", neighbour.apiKey, await keyWith("manage", access)])
        expect((await send(method, path, { ...bodyOf(method), apiKey }).expect(401)).body).toEqual(UNAUTHORIZED);
      expect((await send("get").expect(200)).body).toEqual({ data: OFF });
    },
  );

  it.each(CALLS.slice(1))("403: %s%s without `manage` on the environment", async (method, path) => {
    for (const level of [null, "read", "write"] as const) {
      const apiKey = await keyWith(level, { read: true, write: true });
      expect((await send(method, path, { ...bodyOf(method), apiKey }).expect(403)).body).toEqual(FORBIDDEN);
    }
    expect((await send("get").expect(200)).body).toEqual({ data: OFF });
  });

  it.each(CALLS.slice(1))("403: %s%s with a key whose maker is a mere member", async (method, path) => {
    const email = `${newId()}@example.com`;
    const users = `/api/v2/organizations/${tenant.organizationId}/users`;
    const made = await server.request
      .post(users)
      .set("x-api-key", tenant.apiKey)
      .send({ name: "Member", email, role: "member" })
      .expect(201);
    const apiKey = await keyWith("manage", { read: true, write: true }, made.body.data.id);
    expect((await send(method, path, { ...bodyOf(method), apiKey }).expect(403)).body).toEqual(FORBIDDEN);
  });

  it.each(CALLS)("404: %s%s of an environment that is not there, or is a neighbour's", async (method, path) => {
    for (const environmentId of [newId(), neighbour.environmentId])
      expect((await send(method, path, { ...bodyOf(method), environmentId }).expect(404)).body).toEqual(NOT_FOUND);
  });

  it.each(CALLS)("422: %s%s of what is no id", async (method, path) => {
    await send(method, path, { ...bodyOf(method), environmentId: "No-Id" }).expect(422);
  });

  it.each([
    ["422: one that is too short", { secret: "a".repeat(31) }],
    ["422: one that is too long", { secret: "a".repeat(257) }],
    ["422: one with a blank", { secret: `${"a".repeat(32)} a` }],
    ["422: one with NUL", { secret: `${"a".repeat(32)}\u0000` }],
    ["422: none", {}],
    ["422: an undecided keepPrevious", { secret: "a".repeat(32), keepPrevious: "no" }],
  ])("%s", async (_, body) => {
    const { body: answer } = await send("put", "", { body }).expect(422);
    expect(answer.error.code).toBe(422);
    expect(JSON.stringify(answer)).not.toContain("aaaa");
    expect((await send("get").expect(200)).body).toEqual({ data: OFF });
  });

  it("400: what is no JSON", async () => {
    await server.request
      .put(`/api/v2/organizations/${tenant.organizationId}/environments/${tenant.environmentId}/identify-secret`)
      .set({ "x-api-key": tenant.apiKey, "content-type": "application/json" })
      .send("{")
      .expect(400);
  });
});
