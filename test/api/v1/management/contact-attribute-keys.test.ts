import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { newId } from "../../../../src/shared/ids.ts";
import { buildApiKey, buildContact, buildTenant, type Tenant } from "../../../support/build.ts";
import { startTestServer, type TestServer } from "../../../support/server.ts";
import { BAD_JSON, conflict, fields, ID, ISO, message, NO_KEY, NO_PERMISSION, NO_TENANT, notFound } from "./answers.ts";

const LIMIT = 8;

let server: TestServer;
let tenant: Tenant;
beforeAll(async () => {
  server = await startTestServer({ MAX_ATTRIBUTE_KEYS: LIMIT });
});
afterAll(() => server.close());
beforeEach(async () => {
  tenant = await buildTenant(server.db);
});

type Method = "get" | "post" | "put" | "delete";
const send = (method: Method, path: string, body?: unknown, apiKey = tenant.apiKey) => {
  const request = server.request[method](`/api/v1/management/${path}`).set("x-api-key", apiKey);
  return body === undefined ? request : request.send(typeof body === "string" ? body : JSON.stringify(body));
};
const KEYS = "contact-attribute-keys";
const create = (body: object, apiKey?: string) =>
  send("post", KEYS, { workspaceId: tenant.environmentId, key: "plan_tier", type: "custom", ...body }, apiKey);
const made = async (body: object = {}) => (await create(body).expect(200)).body.data;
const defaultKey = (key: string) =>
  server.db.prisma.contactAttributeKey.findFirstOrThrow({ where: { environmentId: tenant.environmentId, key } });

describe("POST /api/v1/management/contact-attribute-keys", () => {
  it("answers 200 with the key, its name made from it", async () => {
    const { environmentId } = tenant;
    const { body } = await create({ isUnique: true }).expect(200);
    expect(body.data).toEqual({
      ...{ id: ID, createdAt: ISO, updatedAt: ISO, isUnique: false, key: "plan_tier", name: "Plan Tier", description: "" },
      ...{ type: "custom", dataType: "string", workspaceId: environmentId, environmentId },
    });
    expect((await send("get", `${KEYS}/${body.data.id}`).expect(200)).body).toEqual(body);
    expect(await made({ key: "since", name: "Since", description: "d", dataType: "date" })).toMatchObject({
      ...{ name: "Since", description: "d", dataType: "date" },
    });
  });

  it("answers 400 to a key that the environment has, and takes it elsewhere", async () => {
    await made();
    const again = await create({}).expect(400);
    expect(again.body).toEqual(message("Attribute key already exists"));
    expect(again.headers["access-control-allow-origin"]).toBeUndefined();
    await create({ workspaceId: tenant.developmentId }).expect(200);
  });

  it("answers 403 when the environment has as many keys as it may, and 200 to no more when they come at once", async () => {
    const room = LIMIT - (await server.db.prisma.contactAttributeKey.count({ where: { environmentId: tenant.environmentId } }));
    const answers = await Promise.all(Array.from({ length: room + 2 }, (_, at) => create({ key: `k${at}` })));
    expect(answers.map(({ status }) => status).sort()).toEqual([...Array(room).fill(200), 403, 403]);
    expect((await create({ key: "one_more" }).expect(403)).body).toEqual({
      code: "forbidden",
      message: `Maximum number of attribute classes (${LIMIT}) reached for workspace ${tenant.environmentId}`,
      details: {},
    });
  });

  it.each([
    [
      "an unsafe key",
      { key: "Bad Key" },
      { key: "Key must be a safe identifier: only lowercase letters, numbers, and underscores, and must start with a letter" },
    ],
    ["a reserved key", { key: "first_name" }, { key: expect.stringContaining("Reserved attribute key(s): first_name.") }],
    ["type default", { type: "default" }, { type: 'Invalid input: expected "custom"' }],
    ["no type", { type: undefined }, { type: 'Invalid input: expected "custom"' }],
    ["an unknown data type", { dataType: "color" }, { dataType: 'Invalid option: expected one of "string"|"number"|"date"' }],
    ["a description that is no text", { description: 5 }, { description: "Invalid input: expected string, received number" }],
  ])("answers 400 to %s", async (_name, change, details) => {
    expect((await create(change).expect(400)).body).toEqual(fields(details));
  });

  it("answers 400, 401 and 404 for the tenant before it looks at the rest", async () => {
    const neighbour = await buildTenant(server.db);
    const unknown = newId();
    expect((await send("post", KEYS, { key: 5 }).expect(400)).body).toEqual(NO_TENANT);
    expect((await send("post", KEYS, "{").expect(400)).body).toEqual(BAD_JSON);
    expect((await create({ workspaceId: unknown }).expect(404)).body).toEqual(notFound("Workspace", unknown));
    expect((await create({ workspaceId: neighbour.environmentId, key: 5 }).expect(401)).body).toEqual(NO_PERMISSION);
  });
});

describe("GET /api/v1/management/contact-attribute-keys", () => {
  it("answers 200 with the keys of all environments of the key, oldest first", async () => {
    const { body } = await send("get", KEYS).expect(200);
    expect(body.data).toHaveLength(10);
    expect(new Set(body.data.map(({ workspaceId }: { workspaceId: string }) => workspaceId))).toEqual(
      new Set([tenant.environmentId, tenant.developmentId]),
    );
    expect((await send("get", `${KEYS}?limit=2&skip=1`).expect(200)).body.data).toEqual(body.data.slice(1, 3));
    expect((await server.request.get(`/api/v1/management/${KEYS}`).expect(401)).body).toEqual(NO_KEY);
  });

  it("answers 404 to an unknown id of any form, and 401 to a neighbour's", async () => {
    expect((await send("get", `${KEYS}/No!`).expect(404)).body).toEqual(notFound("Attribute Key", "No!"));
    const neighbour = await buildTenant(server.db);
    const { id } = await made();
    for (const method of ["get", "put", "delete"] as const)
      expect((await send(method, `${KEYS}/${id}`, method === "put" ? {} : undefined, neighbour.apiKey).expect(401)).body).toEqual(
        NO_PERMISSION,
      );
  });
});

describe("PUT /api/v1/management/contact-attribute-keys/{id}", () => {
  it("answers 200 with what was given changed", async () => {
    const key = await made({ description: "d" });
    const { body } = await send("put", `${KEYS}/${key.id}`, { name: "Tier", type: "default" }).expect(200);
    expect(body.data).toEqual({ ...key, name: "Tier", updatedAt: ISO });
    const renamed = await send("put", `${KEYS}/${key.id}`, { key: "tier", dataType: "number" }).expect(200);
    expect(renamed.body.data).toMatchObject({ key: "tier", dataType: "number", name: "Tier", description: "d" });
  });

  it("answers 200 to another name of a default key, and 400 to another key of it", async () => {
    const { id } = await defaultKey("email");
    expect((await send("put", `${KEYS}/${id}`, { key: "email2" }).expect(400)).body).toEqual(
      message("Key and data type of a default contact attribute key cannot be changed"),
    );
    const { body } = await send("put", `${KEYS}/${id}`, { description: "x" }).expect(200);
    expect(body.data).toMatchObject({ key: "email", description: "x" });
  });

  it("answers 400 to another key or type while contacts have values of it", async () => {
    const { id } = await made();
    await buildContact(server.db, { environmentId: tenant.environmentId, attributes: { plan_tier: "gold" } });
    const refusal = message("Key and data type of a contact attribute key cannot be changed while contacts have values of it");
    expect((await send("put", `${KEYS}/${id}`, { key: "tier" }).expect(400)).body).toEqual(refusal);
    expect((await send("put", `${KEYS}/${id}`, { dataType: "number" }).expect(400)).body).toEqual(refusal);
    await send("put", `${KEYS}/${id}`, { key: "plan_tier", dataType: "string" }).expect(200);
  });

  it("answers 409 when the environment has the key", async () => {
    const { id } = await made();
    await made({ key: "other" });
    expect((await send("put", `${KEYS}/${id}`, { key: "other" }).expect(409)).body).toEqual(
      conflict("Attribute key already exists"),
    );
  });

  it("answers 404 and 400 in the order of the checks", async () => {
    const unknown = newId();
    expect((await send("put", `${KEYS}/${unknown}`, "{").expect(404)).body).toEqual(notFound("Attribute Key", unknown));
    const { id } = await made();
    expect((await send("put", `${KEYS}/${id}`, "{").expect(400)).body).toEqual(BAD_JSON);
    expect((await send("put", `${KEYS}/${id}`, { description: 5 }).expect(400)).body).toEqual(
      fields({ description: "Invalid input: expected string, received number" }),
    );
  });
});

describe("DELETE /api/v1/management/contact-attribute-keys/{id}", () => {
  it("answers 200 with the key, which is gone with every contact's value", async () => {
    const key = await made();
    await buildContact(server.db, { environmentId: tenant.environmentId, attributes: { plan_tier: "gold", other: "x" } });
    expect((await send("delete", `${KEYS}/${key.id}`).expect(200)).body).toEqual({ data: key });
    const contacts = await server.db.prisma.contact.findMany({ where: { environmentId: tenant.environmentId } });
    expect(contacts.map(({ attributes }) => attributes)).toEqual([{ other: "x" }]);
    expect((await send("delete", `${KEYS}/${key.id}`).expect(404)).body).toEqual(notFound("Attribute Key", key.id));
  });

  it("answers 400 to a default key, and 401 first to who may not delete any", async () => {
    const { id } = await defaultKey("firstName");
    expect((await send("delete", `${KEYS}/${id}`).expect(400)).body).toEqual(
      message("Default Contact Attribute Keys cannot be deleted"),
    );
    const writer = await buildApiKey(server.db, { ...tenant, permissions: { [tenant.environmentId]: "write" } });
    expect((await send("delete", `${KEYS}/${id}`, undefined, writer).expect(401)).body).toEqual(NO_PERMISSION);
  });
});

describe("permissions", () => {
  it.each([
    ["read", 200, 401, 401, 401],
    ["write", 200, 200, 200, 401],
    ["manage", 200, 200, 200, 200],
  ] as const)(
    "a key with %s is answered %i, %i, %i, %i for GET, POST, PUT, DELETE",
    async (permission, get, post, put, remove) => {
      const { id } = await made();
      const key = await buildApiKey(server.db, { ...tenant, permissions: { [tenant.environmentId]: permission } });
      await send("get", `${KEYS}/${id}`, undefined, key).expect(get);
      await create({ key: "other" }, key).expect(post);
      await send("put", `${KEYS}/${id}`, {}, key).expect(put);
      await send("delete", `${KEYS}/${id}`, undefined, key).expect(remove);
    },
  );
});

describe("attribute classes", () => {
  it("are the same under an older name", async () => {
    const input = { workspaceId: tenant.environmentId, key: "plan_tier", type: "custom" };
    const key = (await send("post", "attribute-classes", input).expect(200)).body.data;
    expect(key).toMatchObject({ key: "plan_tier", type: "custom", archived: false });
    const { archived: _, ...same } = key;
    expect((await send("get", `${KEYS}/${key.id}`).expect(200)).body).toEqual({ data: same });
    expect((await send("get", `attribute-classes/${key.id}`).expect(200)).body).toEqual({ data: key });
    expect((await send("get", "attribute-classes").expect(200)).body.data).toContainEqual(key);
    expect((await send("put", `attribute-classes/${key.id}`, { name: "N" }).expect(200)).body.data).toMatchObject({ name: "N" });
    expect((await send("delete", `attribute-classes/${key.id}`).expect(200)).body.data).toMatchObject({ archived: false });
    expect((await send("get", `attribute-classes/${key.id}`).expect(404)).body).toEqual(notFound("Attribute Key", key.id));
  });
});
