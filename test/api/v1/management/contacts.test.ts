import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { newId } from "../../../../src/shared/ids.ts";
import { buildApiKey, buildContact, buildSurvey, buildTenant, type Tenant } from "../../../support/build.ts";
import { startTestServer, type TestServer } from "../../../support/server.ts";
import { BAD_ID, fields, ID, ISO, NO_KEY, NO_PERMISSION, notFound } from "./answers.ts";

let server: TestServer;
let tenant: Tenant;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.close());
beforeEach(async () => {
  tenant = await buildTenant(server.db);
});

const send = (method: "get" | "delete", path: string, apiKey = tenant.apiKey) =>
  server.request[method](`/api/v1/management/${path}`).set("x-api-key", apiKey);
const build = (contact: object = {}) => buildContact(server.db, { environmentId: tenant.environmentId, ...contact });
const idsOf = async (path: string) => (await send("get", path).expect(200)).body.data.map(({ id }: { id: string }) => id);

describe("contacts", () => {
  it("answer 200 with the contact under both names of its environment", async () => {
    const { environmentId } = tenant;
    const { id } = await build({ userId: "u-1", attributes: { plan: "gold" } });
    const contact = { id, createdAt: ISO, updatedAt: ISO, workspaceId: environmentId, environmentId, userId: null };
    expect((await send("get", `contacts/${id}`).expect(200)).body).toEqual({ data: contact });
    expect((await send("get", "contacts").expect(200)).body).toEqual({ data: [contact] });
  });

  it("show the older id of an environment that has one", async () => {
    const legacyId = newId();
    await server.db.prisma.environment.update({ where: { id: tenant.environmentId }, data: { legacyId } });
    const { id } = await build();
    const { body } = await send("get", `contacts/${id}`).expect(200);
    expect(body.data).toMatchObject({ workspaceId: tenant.environmentId, environmentId: legacyId });
  });

  it("are listed for all environments of the key, oldest first, whole or in part", async () => {
    const first = await build({ createdAt: new Date("2024-01-01T00:00:00Z") });
    const second = await build({ environmentId: tenant.developmentId, createdAt: new Date("2024-02-01T00:00:00Z") });
    const third = await build({ createdAt: new Date("2024-03-01T00:00:00Z") });
    await buildContact(server.db, await buildTenant(server.db).then(({ environmentId }) => ({ environmentId })));
    expect(await idsOf("contacts")).toEqual([first.id, second.id, third.id]);
    expect(await idsOf("contacts?limit=1&skip=1")).toEqual([second.id]);
    expect(await idsOf("people?limit=&offset=2")).toEqual([third.id]);
    expect((await send("get", "contacts?limit=-1").expect(400)).body).toEqual(
      fields({ limit: "Too small: expected number to be >=0" }),
    );
  });

  it("are deleted with their displays and responses", async () => {
    const { environmentId } = tenant;
    const { id } = await build({ userId: "u-1" });
    const survey = await buildSurvey(server.db, { environmentId });
    const belonging = { environmentId, surveyId: survey.id, contactId: id };
    await server.db.prisma.display.create({ data: { id: newId(), ...belonging } });
    await server.db.prisma.response.create({ data: { id: newId(), ...belonging, finished: true, data: {} } });
    const { body } = await send("delete", `contacts/${id}`).expect(200);
    expect(body).toEqual({ data: { success: "Contact deleted successfully" } });
    expect(await server.db.prisma.response.count({ where: { environmentId } })).toBe(0);
    expect(await server.db.prisma.display.count({ where: { environmentId } })).toBe(0);
    expect((await send("delete", `contacts/${id}`).expect(404)).body).toEqual(notFound("Contact", id));
  });

  it.each([
    ["read", 200, 401],
    ["write", 200, 401],
    ["manage", 200, 200],
  ] as const)("answer a key with %s %i for GET and %i for DELETE", async (permission, get, remove) => {
    const key = await buildApiKey(server.db, { ...tenant, permissions: { [tenant.environmentId]: permission } });
    const { id } = await build();
    await send("get", `contacts/${id}`, key).expect(get);
    await send("delete", `people/${id}`, key).expect(remove);
  });

  it.each(["contacts", "people"])(
    "answer 400, 404 and 401 at /%s to an id that is none, is unknown, is a neighbour's",
    async (name) => {
      const unknown = newId();
      const neighbour = await buildTenant(server.db);
      const { id } = await buildContact(server.db, { environmentId: neighbour.environmentId });
      for (const method of ["get", "delete"] as const) {
        expect((await send(method, `${name}/No!`).expect(400)).body).toEqual(BAD_ID);
        expect((await send(method, `${name}/${unknown}`).expect(404)).body).toEqual(notFound("Contact", unknown));
        expect((await send(method, `${name}/${id}`).expect(401)).body).toEqual(NO_PERMISSION);
      }
    },
  );

  it("answer 405 to POST, and 401 without a key", async () => {
    await server.request.post("/api/v1/management/contacts").set("x-api-key", tenant.apiKey).send({}).expect(405);
    expect((await server.request.get("/api/v1/management/people").expect(401)).body).toEqual(NO_KEY);
  });
});

describe("people", () => {
  it("are contacts with their userId and their attributes as text", async () => {
    const { environmentId } = tenant;
    const { id } = await build({ userId: "u-1", email: "ann@example.com", attributes: { plan: "gold", age: 21, vip: true } });
    const anonymous = await build();
    const rest = { createdAt: ISO, updatedAt: ISO, workspaceId: environmentId, environmentId };
    const attributes = { userId: "u-1", email: "ann@example.com", plan: "gold", age: "21", vip: "true" };
    const person = { id, ...rest, userId: "u-1", attributes };
    expect((await send("get", `people/${id}`).expect(200)).body).toEqual({ data: person });
    const { body } = await send("get", "people").expect(200);
    expect(body.data).toHaveLength(2);
    expect(body.data).toEqual(expect.arrayContaining([person, { id: anonymous.id, ...rest, userId: null, attributes: {} }]));
    expect((await send("delete", `people/${id}`).expect(200)).body).toEqual({
      data: { success: "Contact deleted successfully" },
    });
  });
});

describe("GET /api/v1/management/contact-attributes", () => {
  it("answers 200 with a row per value, whose id stays", async () => {
    const { environmentId } = tenant;
    const keys = { n: newId(), d: newId(), odd: newId() };
    await server.db.prisma.contactAttributeKey.createMany({
      data: [
        { id: keys.n, environmentId, key: "age", dataType: "number", createdAt: new Date("2030-01-01T00:00:00Z") },
        { id: keys.d, environmentId, key: "born", dataType: "date", createdAt: new Date("2030-01-02T00:00:00Z") },
        { id: keys.odd, environmentId, key: "odd", dataType: "number", createdAt: new Date("2030-01-03T00:00:00Z") },
      ],
    });
    const { id } = await build({ userId: "u-1", attributes: { age: 21, born: "2003-04-05T00:00:00.000Z", odd: "many" } });
    const userIdKey = await server.db.prisma.contactAttributeKey.findFirstOrThrow({ where: { environmentId, key: "userId" } });
    const row = (attributeKeyId: string, value: string, typed: object = {}) => ({
      ...{ id: ID, createdAt: ISO, updatedAt: ISO, contactId: id, attributeKeyId, value, valueNumber: null, valueDate: null },
      ...typed,
    });
    const { body } = await send("get", "contact-attributes").expect(200);
    expect(body.data).toEqual([
      row(userIdKey.id, "u-1"),
      row(keys.n, "21", { valueNumber: 21 }),
      row(keys.d, "2003-04-05T00:00:00.000Z", { valueDate: "2003-04-05T00:00:00.000Z" }),
      row(keys.odd, "many"),
    ]);
    expect(new Set(body.data.map((attribute: { id: string }) => attribute.id)).size).toBe(4);
    expect((await send("get", "contact-attributes").expect(200)).body).toEqual(body);
    expect((await send("get", "contact-attributes?limit=1&skip=2").expect(200)).body.data).toEqual([body.data[2]]);
  });

  it("shows nothing of a neighbour, and answers 401 without a key", async () => {
    await build({ userId: "u-1" });
    const neighbour = await buildTenant(server.db);
    expect((await send("get", "contact-attributes", neighbour.apiKey).expect(200)).body).toEqual({ data: [] });
    expect((await server.request.get("/api/v1/management/contact-attributes").expect(401)).body).toEqual(NO_KEY);
  });
});
