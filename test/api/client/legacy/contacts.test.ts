import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { buildContact, buildTenant, type Tenant } from "../../../support/build.ts";
import { startTestServer, type TestServer } from "../../../support/server.ts";

const ID = expect.stringMatching(/^c[a-z0-9]{24}$/);

let server: TestServer;
let tenant: Tenant;

beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.close());
beforeEach(async () => {
  tenant = await buildTenant(server.db);
});

const at = (path: string, version = "v1", id = tenant.environmentId) => `/api/${version}/client/${id}/${path}`;

const contacts = () => server.db.prisma.contact.findMany({ where: { environmentId: tenant.environmentId } });

const workspaceNotFound = {
  code: "not_found",
  message: "Workspace not found",
  details: { resource_id: "cunknown", resource_type: "Workspace" },
};

const person = { userId: "ada lovelace", segments: [], displays: [], responses: [], lastDisplayAt: null };

describe.each(["v1", "v2"])("GET /api/%s/client/{environmentId}/", (version) => {
  test.each([
    ["identify/contacts", true],
    ["identify/people", false],
    ["app/people", false],
  ])("%s/{userId} creates the contact once and answers its state", async (path, hasContactId) => {
    const url = at(`${path}/ada%20lovelace`, version);
    const { body, headers } = await server.request.get(url).expect(200);
    expect(body).toEqual({ data: hasContactId ? { contactId: ID, ...person } : person });
    expect(headers["access-control-allow-origin"]).toBe("*");
    await server.request.get(url).expect(200);
    expect(await contacts()).toMatchObject([{ userId: "ada lovelace" }]);
  });

  test.each(["identify/contacts", "identify/people", "app/people"])("%s answers 404, 400 and to OPTIONS 200", async (path) => {
    const url = at(`${path}/u`, version, "cunknown");
    expect((await server.request.get(url).expect(404)).body).toEqual(workspaceNotFound);
    expect((await server.request.get(at(`${path}/a%00b`, version)).expect(400)).body.code).toBe("bad_request");
    expect((await server.request.get(at(`${path}/${"x".repeat(256)}`, version)).expect(400)).body.code).toBe("bad_request");
    const { body, headers } = await server.request.options(url).expect(200);
    expect(body).toEqual({ data: {} });
    expect(headers["cache-control"]).toBe("private, no-store");
    await server.request.delete(url).expect(405);
    expect(await contacts()).toEqual([]);
  });

  test("identify/contacts lists displays, responses and segments", async () => {
    const { environmentId } = tenant;
    const { id: contactId } = await buildContact(server.db, { environmentId, userId: "u", attributes: { language: "de-DE" } });
    await server.db.prisma.segment.create({ data: { environmentId, id: "ceveryone", title: "everyone", filters: [] } });
    await server.db.prisma.survey.create({ data: { environmentId, id: "cs", name: "s", type: "app", document: {} } });
    const createdAt = "2026-01-01T00:00:00.000Z";
    await server.db.prisma.display.create({ data: { environmentId, id: "cd", surveyId: "cs", contactId, createdAt } });
    await server.db.prisma.response.create({
      data: { environmentId, id: "cr", surveyId: "cs", contactId, finished: true, data: {} },
    });
    const { body } = await server.request.get(at("identify/contacts/u", version)).expect(200);
    expect(body.data).toEqual({
      contactId,
      userId: "u",
      segments: ["ceveryone"],
      displays: [{ surveyId: "cs", createdAt }],
      responses: ["cs"],
      lastDisplayAt: createdAt,
    });
  });
});

describe.each([
  ["v1", "contacts"],
  ["v2", "contacts"],
  ["v1", "people"],
])("PUT /api/%s/client/{environmentId}/%s/{userId}/attributes", (version, noun) => {
  const put = (body: unknown, userId = "u") =>
    server.request.put(at(`${noun}/${userId}/attributes`, version)).send(body as object);

  test("answers 200, changed or not, and writes what changed", async () => {
    await buildContact(server.db, { environmentId: tenant.environmentId, userId: "u", attributes: { firstName: "Ada" } });
    const changed = await put({ attributes: { firstName: "Ada", plan: "pro", userId: "x", id: "y" } }).expect(200);
    expect(changed.body).toEqual({
      data: {
        changed: true,
        message: "The contact was updated.",
        messages: ["Created new attribute 'plan' with type 'string'"],
      },
    });
    const same = await put({ attributes: { plan: "pro" } }).expect(200);
    expect(same.body).toEqual({ data: { changed: false, message: "The contact is up to date; nothing was written." } });
    expect((await put({ attributes: { email: "a@b.co" } }).expect(200)).body.data.changed).toBe(true);
    expect(await contacts()).toMatchObject([{ userId: "u", email: "a@b.co", attributes: { firstName: "Ada", plan: "pro" } }]);
  });

  test("tells of a text for a number and of a bad name, and changes nothing", async () => {
    const { environmentId } = tenant;
    await buildContact(server.db, { environmentId, userId: "u" });
    await server.db.prisma.contactAttributeKey.create({ data: { environmentId, id: "ck", key: "seats", dataType: "number" } });
    const { body } = await put({ attributes: { seats: "25", "Bad Key": "x" } }).expect(200);
    expect(body.data).toEqual({
      changed: false,
      message: "The contact is up to date; nothing was written.",
      messages: [expect.stringContaining("'seats'"), expect.stringContaining("Bad Key")],
    });
  });

  test.each([
    [{}, { attributes: "Invalid input: expected record, received undefined" }],
    [{ attributes: { plan: 1 } }, { "attributes.plan": "Invalid input: expected string, received number" }],
    [{ attributes: { plan: null } }, { "attributes.plan": "Invalid input: expected string, received null" }],
  ])("%j answers 400", async (body, details) => {
    expect((await put(body).expect(400)).body).toEqual({
      code: "bad_request",
      message: "Fields are missing or incorrectly formatted",
      details,
    });
  });

  test("a bad e-mail address, and a body that is no JSON, answer 400", async () => {
    expect((await put({ attributes: { email: "nobody" } }).expect(400)).body.message).toBe("Invalid email format");
    const { body } = await server.request
      .put(at(`${noun}/u/attributes`, version))
      .set("content-type", "text/plain")
      .send("{")
      .expect(400);
    expect(body.message).toBe("Malformed JSON input, please check your request body");
    expect(await contacts()).toEqual([]);
  });

  test("an unknown environment answers 404, OPTIONS 200", async () => {
    const url = at(`${noun}/u/attributes`, version, "cunknown");
    expect((await server.request.put(url).send({ attributes: {} }).expect(404)).body).toEqual(workspaceNotFound);
    expect((await server.request.options(url).expect(200)).body).toEqual({ data: {} });
  });
});

describe("an unknown contact", () => {
  test("answers 404 as a contact, and a neighbour's counts as unknown", async () => {
    const neighbour = await buildTenant(server.db);
    await buildContact(server.db, { environmentId: neighbour.environmentId, userId: "u" });
    const { body } = await server.request
      .put(at("contacts/u/attributes"))
      .send({ attributes: { plan: "pro" } })
      .expect(404);
    expect(body).toEqual({
      code: "not_found",
      message: "contact not found",
      details: { resource_id: "u", resource_type: "contact" },
    });
    expect(await contacts()).toEqual([]);
  });

  test("is created as a person", async () => {
    const { body } = await server.request.put(at("people/u/attributes")).send({ attributes: {} }).expect(200);
    expect(body.data.changed).toBe(true);
    expect(await contacts()).toMatchObject([{ userId: "u" }]);
  });
});

describe("POST /api/v1/client/{environmentId}/people", () => {
  test("creates the contact once and answers 200 with its user id", async () => {
    for (let n = 0; n < 2; n++) {
      const { body } = await server.request.post(at("people")).send({ userId: "u" }).expect(200);
      expect(body).toEqual({ data: { userId: "u" } });
    }
    expect(await contacts()).toMatchObject([{ userId: "u" }]);
  });

  test("answers 400 without a user id, 404 to an unknown environment, 200 to OPTIONS", async () => {
    expect((await server.request.post(at("people")).send({}).expect(400)).body).toEqual({
      code: "bad_request",
      message: "Fields are missing or incorrectly formatted",
      details: { userId: "Invalid input: expected string, received undefined" },
    });
    const { body } = await server.request
      .post(at("people", "v1", "cunknown"))
      .send({ userId: "u" })
      .expect(404);
    expect(body).toEqual(workspaceNotFound);
    expect((await server.request.options(at("people")).expect(200)).body).toEqual({ data: {} });
  });

  test("is v1 only, as are a person's attributes", async () => {
    await server.request.post(at("people", "v2")).send({ userId: "u" }).expect(404);
    await server.request.put(at("people/u/attributes", "v2")).send({ attributes: {} }).expect(404);
  });
});

test("GET /api/v1/client/og answers 501", async () => {
  expect((await server.request.get("/api/v1/client/og?name=x").expect(501)).body).toEqual({
    code: "not_implemented",
    message: "Preview images are not implemented",
    details: {},
  });
});
