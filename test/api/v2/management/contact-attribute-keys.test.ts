import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { newId } from "../../../../src/shared/ids.ts";
import { buildApiKey, buildContact, buildTenant, type Tenant } from "../../../support/build.ts";
import { startTestServer, type TestServer } from "../../../support/server.ts";

let server: TestServer;
let tenant: Tenant;
let neighbour: Tenant;
beforeAll(async () => {
  server = await startTestServer();
  [tenant, neighbour] = [await buildTenant(server.db), await buildTenant(server.db)];
});
afterAll(() => server.close());

const PATH = "/api/v2/management/contact-attribute-keys";
const ISO = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
const ID = expect.stringMatching(/^c[a-z0-9]{24}$/);
const UNAUTHORIZED = { error: { code: 401, message: "Unauthorized" } };
const FORBIDDEN = { error: { code: 403, message: "Forbidden" } };
const MESSAGES: Record<number, string> = { 400: "Bad Request", 404: "Not Found", 409: "Conflict", 422: "Unprocessable Entity" };
const problem = (code: number, ...details: [field: string, issue: string][]) => ({
  error: { code, message: MESSAGES[code], details: details.map(([field, issue]) => ({ field, issue })) },
});
const refused = (issue: string) => problem(400, ["contactAttributeKey", issue]);
const NOT_FOUND = problem(404, ["contactAttributeKey", "not found"]);

type Method = "get" | "post" | "put" | "delete";
type Caller = Pick<Tenant, "apiKey">;
const send = (method: Method, path: string, body?: unknown, { apiKey }: Caller = tenant) => {
  const request = server.request[method](path).set("x-api-key", apiKey);
  return body === undefined ? request : request.send(typeof body === "string" ? body : JSON.stringify(body));
};
const uniqueKey = () => `key_${newId()}`;
async function create(body: Record<string, unknown> = {}, owner: Tenant = tenant) {
  const { environmentId } = owner;
  const given = { environmentId, key: uniqueKey(), name: "Name", description: null, ...body };
  return (await send("post", PATH, given, owner).expect(201)).body.data;
}
const keyOf = async (permission: "read" | "write" | "manage"): Promise<Caller> => ({
  apiKey: await buildApiKey(server.db, { ...tenant, permissions: { [tenant.environmentId]: permission } }),
});
const defaultKey = ({ environmentId }: Tenant, key: string) =>
  server.db.prisma.contactAttributeKey.findFirstOrThrow({ where: { environmentId, key } });

describe("POST /api/v2/management/contact-attribute-keys", () => {
  it("answers 201 with the key under both names of its environment", async () => {
    const { environmentId } = tenant;
    const key = uniqueKey();
    const body = { key, name: "Shoe size", description: "EU", workspaceId: environmentId, dataType: "number", isUnique: true };
    const response = await send("post", PATH, body).expect(201);
    expect(response.body).toEqual({
      data: {
        id: ID,
        createdAt: ISO,
        updatedAt: ISO,
        isUnique: false,
        key,
        name: "Shoe size",
        description: "EU",
        type: "custom",
        dataType: "number",
        workspaceId: environmentId,
        environmentId,
      },
    });
  });

  it("makes a name from the key when it is null, takes booleans and the legacy id", async () => {
    const legacyId = newId();
    const { developmentId } = tenant;
    await server.db.prisma.environment.update({ where: { id: developmentId }, data: { legacyId } });
    const key = await create({ environmentId: legacyId, key: "via_env", name: null, dataType: "boolean" });
    expect(key).toMatchObject({ name: "Via Env", dataType: "boolean", environmentId: developmentId });
  });

  it("types what identify sends from then on", async () => {
    const { key } = await create({ dataType: "number" });
    const userId = newId();
    const path = `/api/v2/client/${tenant.environmentId}/user`;
    for (const value of [7, "many"])
      await server.request
        .post(path)
        .send({ userId, attributes: { [key]: value } })
        .expect(200);
    const contact = await server.db.prisma.contact.findFirstOrThrow({ where: { userId } });
    expect(contact.attributes).toEqual({ [key]: 7 });
  });

  it("answers 400 without an environment or JSON, and when the environment has all the keys it may have", async () => {
    expect((await send("post", PATH, {}).expect(400)).body).toEqual(
      problem(400, ["workspaceId", "workspaceId must be provided"]),
    );
    expect((await send("post", PATH, "{").expect(400)).body).toEqual(
      problem(400, ["error", "Malformed JSON input, please check your request body"]),
    );
    const small = await startTestServer({ MAX_ATTRIBUTE_KEYS: 5 });
    try {
      const body = { environmentId: tenant.environmentId, key: uniqueKey(), name: null, description: null };
      const response = await small.request.post(PATH).set("x-api-key", tenant.apiKey).send(JSON.stringify(body)).expect(400);
      expect(response.body).toEqual(refused("the limit of 5 contact attribute keys is reached"));
    } finally {
      await small.close();
    }
  });

  it("answers 403 for a neighbour's environment and to a key that may only read, 404 for an unknown one", async () => {
    const body = { key: uniqueKey(), name: null, description: null };
    const foreign = { ...body, workspaceId: neighbour.environmentId };
    expect((await send("post", PATH, foreign).expect(403)).body).toEqual(FORBIDDEN);
    const own = { ...body, workspaceId: tenant.environmentId };
    expect((await send("post", PATH, own, await keyOf("read")).expect(403)).body).toEqual(FORBIDDEN);
    expect((await send("post", PATH, { ...body, workspaceId: newId() }).expect(404)).body).toEqual(
      problem(404, ["workspaceId", "workspace not found"]),
    );
  });

  it("answers 409 to a key that the environment has", async () => {
    const { environmentId } = tenant;
    const { key } = await create();
    const body = { environmentId, key, name: null, description: null };
    expect((await send("post", PATH, body).expect(409)).body).toEqual(
      problem(409, ["contactAttributeKey", `Contact attribute key with "${key}" already exists`]),
    );
    await create({ key, environmentId: tenant.developmentId });
  });

  const UNSAFE = "Key must be a safe identifier: only lowercase letters, numbers, and underscores, and must start with a letter";
  const RESERVED =
    "Reserved attribute key(s): user_id. These keys are reserved for the v5.1 safe-identifier default attribute migration and cannot be created as custom attributes.";
  it.each<[string, Record<string, unknown>, [string, string][]]>([
    ["an unsafe key", { key: "Shoe Size" }, [["key", UNSAFE]]],
    ["a reserved key", { key: "user_id" }, [["key", RESERVED]]],
    ["a long key", { key: "k".repeat(256) }, [["key", "Too big: expected string to have <=255 characters"]]],
    ["an unknown type", { dataType: "bool" }, [["dataType", 'Invalid option: expected one of "string"|"number"|"date"']]],
    [
      "missing fields",
      { key: undefined, name: undefined, description: undefined },
      ["key", "name", "description"].map((field) => [field, "Invalid input: expected string, received undefined"]),
    ],
    ["text that cannot be stored", { name: "a\u0000" }, [["name", "Contains characters that cannot be stored"]]],
  ])("answers 422 to %s", async (_title, change, details) => {
    const body = { environmentId: tenant.environmentId, key: "zzz", name: "x", description: null, ...change };
    expect((await send("post", PATH, body).expect(422)).body).toEqual(problem(422, ...details));
  });
});

describe("GET /api/v2/management/contact-attribute-keys", () => {
  it("answers 200 with the keys of all environments that may be read, or of one, page by page", async () => {
    const owner = await buildTenant(server.db);
    const custom = await create({}, owner);
    const all = await send("get", PATH, undefined, owner).expect(200);
    expect(all.body.data[0]).toEqual(custom);
    expect(all.body.meta).toEqual({ total: 11, limit: 50, offset: 0 });
    const one = await send("get", `${PATH}?environmentId=${owner.developmentId}&limit=2&skip=4`, undefined, owner).expect(200);
    expect(one.body.meta).toEqual({ total: 5, limit: 2, offset: 4 });
    expect(one.body.data).toHaveLength(1);
    await send("get", `${PATH}?limit=1.5`).expect(422);
  });

  it("answers 401 for a neighbour's environment, and to a key without environments", async () => {
    expect((await send("get", `${PATH}?workspaceId=${neighbour.environmentId}`).expect(401)).body).toEqual(UNAUTHORIZED);
    const orgOnly = await buildTenant(server.db, { permission: null });
    expect((await send("get", PATH, undefined, orgOnly).expect(401)).body).toEqual(UNAUTHORIZED);
  });
});

describe("the routes of one contact attribute key", () => {
  const CHANGE = { name: "x", description: null };

  it("GET answers 200, PUT changes name and description but not the key", async () => {
    const attributeKey = await create();
    const path = `${PATH}/${attributeKey.id}`;
    expect((await send("get", path).expect(200)).body).toEqual({ data: attributeKey });
    const body = { key: "other", name: null, description: "Described" };
    const updated = await send("put", path, body).expect(200);
    expect(updated.body).toEqual({ data: { ...attributeKey, name: null, description: "Described", updatedAt: ISO } });
    expect((await send("put", path, {}).expect(422)).body).toEqual(
      problem(
        422,
        ["name", "Invalid input: expected string, received undefined"],
        ["description", "Invalid input: expected string, received undefined"],
      ),
    );
    await send("put", path, "{").expect(400);
  });

  it("DELETE answers 200 and takes every contact's value along", async () => {
    const attributeKey = await create();
    const attributes = { [attributeKey.key]: "gone", plan: "stays" };
    const contact = await buildContact(server.db, { environmentId: tenant.environmentId, attributes });
    const elsewhere = await buildContact(server.db, { environmentId: tenant.developmentId, attributes });
    expect((await send("delete", `${PATH}/${attributeKey.id}`).expect(200)).body).toEqual({ data: attributeKey });
    expect((await send("delete", `${PATH}/${attributeKey.id}`).expect(404)).body).toEqual(NOT_FOUND);
    const attributesOf = async ({ id }: { id: string }) =>
      (await server.db.prisma.contact.findFirstOrThrow({ where: { id } })).attributes;
    expect(await attributesOf(contact)).toEqual({ plan: "stays" });
    expect(await attributesOf(elsewhere)).toEqual(attributes);
  });

  it("PUT and DELETE answer 400 to default and unique keys", async () => {
    const { id } = await defaultKey(tenant, "firstName");
    expect((await send("put", `${PATH}/${id}`, CHANGE).expect(400)).body).toEqual(
      refused("cannot update default contact attribute key"),
    );
    expect((await send("delete", `${PATH}/${id}`).expect(400)).body).toEqual(
      refused("cannot delete default contact attribute key"),
    );
    const unique = await create();
    const where = { environmentId_id: { environmentId: tenant.environmentId, id: unique.id } };
    await server.db.prisma.contactAttributeKey.update({ where, data: { isUnique: true } });
    expect((await send("put", `${PATH}/${unique.id}`, CHANGE).expect(400)).body).toEqual(
      refused("cannot update unique contact attribute key"),
    );
    expect((await send("delete", `${PATH}/${unique.id}`).expect(400)).body).toEqual(
      refused("cannot delete unique contactAttributeKey"),
    );
  });

  it("answer 404 to an unknown id, 422 to what is none, 401 for a neighbour's", async () => {
    const foreign = await create({}, neighbour);
    for (const method of ["get", "put", "delete"] as const) {
      const body = method === "put" ? CHANGE : undefined;
      expect((await send(method, `${PATH}/${newId()}`, body).expect(404)).body).toEqual(NOT_FOUND);
      expect((await send(method, `${PATH}/Nope!`, body).expect(422)).body).toEqual(
        problem(422, ["contactAttributeKeyId", "Invalid cuid2"]),
      );
      expect((await send(method, `${PATH}/${foreign.id}`, body).expect(401)).body).toEqual(UNAUTHORIZED);
    }
  });

  it("need read to be read, write to be changed and manage to be deleted", async () => {
    const { id } = await create();
    const [read, write, manage] = [await keyOf("read"), await keyOf("write"), await keyOf("manage")];
    await send("get", `${PATH}/${id}`, undefined, read).expect(200);
    await send("put", `${PATH}/${id}`, CHANGE, read).expect(401);
    await send("put", `${PATH}/${id}`, CHANGE, write).expect(200);
    await send("delete", `${PATH}/${id}`, undefined, write).expect(401);
    await send("delete", `${PATH}/${id}`, undefined, manage).expect(200);
  });
});
