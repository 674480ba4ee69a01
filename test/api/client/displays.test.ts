import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { newId } from "../../../src/shared/ids.ts";
import { buildContact, buildSurvey, buildTenant, type Tenant } from "../../support/build.ts";
import { startTestServer, type TestServer } from "../../support/server.ts";

const ID = expect.stringMatching(/^c[a-z0-9]{24}$/);
const INCORRECT = "Fields are missing or incorrectly formatted";

let server: TestServer;
let tenant: Tenant;
let surveyId: string;

beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.close());
beforeEach(async () => {
  tenant = await buildTenant(server.db);
  ({ id: surveyId } = await buildSurvey(server.db, { environmentId: tenant.environmentId }));
});

const post = (body: unknown, { version = "v2", id = tenant.environmentId } = {}) =>
  server.request.post(`/api/${version}/client/${id}/displays`).send(body as object);

const displays = () => server.db.prisma.display.findMany({ where: { environmentId: tenant.environmentId } });
const contacts = () => server.db.prisma.contact.findMany({ where: { environmentId: tenant.environmentId } });

describe.each(["v1", "v2"])("POST /api/%s/client/{environmentId}/displays", (version) => {
  const raw = (text: string, id = tenant.environmentId) =>
    server.request.post(`/api/${version}/client/${id}/displays`).set("content-type", "text/plain").send(text);

  test("stores a display of nobody and answers 200", async () => {
    const { body, headers } = await post({ surveyId }, { version }).expect(200);
    expect(body).toEqual({ data: { id: ID, contactId: null, surveyId } });
    expect(headers["cache-control"]).toBe("private, no-store");
    expect(headers["access-control-allow-origin"]).toBe("*");
    expect(await displays()).toMatchObject([{ id: body.data.id, surveyId, contactId: null }]);
  });

  test("knows the environment by its legacy id", async () => {
    const legacyId = `cl${tenant.environmentId.slice(2)}`;
    await server.db.prisma.environment.update({ where: { id: tenant.environmentId }, data: { legacyId } });
    await post({ surveyId }, { version, id: legacyId }).expect(200);
    expect(await displays()).toHaveLength(1);
  });

  test("counts every display of nobody", async () => {
    await Promise.all(Array.from({ length: 5 }, () => post({ surveyId }, { version }).expect(200)));
    expect(await displays()).toHaveLength(5);
  });

  test("counts a display once when its Idempotency-Key comes again", async () => {
    const send = () => post({ surveyId }, { version }).set("idempotency-key", "retry-1").expect(200);
    const [first, ...others] = await Promise.all([send(), send(), send()]);
    expect(others.map(({ body }) => body)).toEqual([first.body, first.body]);
    expect(await displays()).toHaveLength(1);
    const { id } = await buildSurvey(server.db, { environmentId: tenant.environmentId });
    const { body } = await post({ surveyId: id }, { version }).set("idempotency-key", "retry-1").expect(409);
    expect(body).toMatchObject({ code: "conflict", details: {} });
  });

  test("answers 400 to an Idempotency-Key that is too long", async () => {
    await post({ surveyId }, { version }).set("idempotency-key", "k".repeat(256)).expect(400);
  });

  test.each(["draft", "paused", "completed"] as const)("answers 403 to a survey that is %s", async (status) => {
    const { id } = await buildSurvey(server.db, { environmentId: tenant.environmentId, status });
    const { body } = await post({ surveyId: id }, { version }).expect(403);
    expect(body).toEqual({ code: "forbidden", message: "Survey is not accepting submissions", details: { surveyId: id } });
    expect(await displays()).toEqual([]);
  });

  test("answers 404 to a survey that is not there or another environment's", async () => {
    const other = await buildTenant(server.db);
    const foreign = await buildSurvey(server.db, { environmentId: other.environmentId });
    for (const id of [newId(), foreign.id, (await buildSurvey(server.db, { environmentId: tenant.developmentId })).id]) {
      const { body } = await post({ surveyId: id }, { version }).expect(404);
      expect(body).toEqual({
        code: "not_found",
        message: "Survey not found",
        details: { resource_id: id, resource_type: "Survey" },
      });
    }
    expect(await displays()).toEqual([]);
  });

  test.each(["cunknown00000000000000000", "Not-A-Cuid", "%00"])("answers 404 to the environment %s", async (id) => {
    const { body } = await post({ surveyId }, { version, id }).expect(404);
    expect(body).toEqual({
      code: "not_found",
      message: "Workspace not found",
      details: { resource_id: decodeURIComponent(id), resource_type: "Workspace" },
    });
  });

  test.each([
    [{}, { surveyId: "Invalid input: expected string, received undefined" }],
    [{ surveyId: null }, { surveyId: "Invalid input: expected string, received null" }],
    [{ surveyId: 5 }, { surveyId: "Invalid input: expected string, received number" }],
    [{ surveyId: "Not A Cuid" }, { surveyId: "Invalid cuid2" }],
    [[], { surveyId: "Invalid input: expected string, received undefined" }],
    [{ surveyId: "c1", responseId: "NOPE" }, { responseId: "Invalid cuid2" }],
  ])("answers 400 to the body %j", async (given, details) => {
    expect((await post(given, { version }).expect(400)).body).toEqual({ code: "bad_request", message: INCORRECT, details });
  });

  test("takes any JSON but an object for an empty object, and ignores the environment of the body", async () => {
    for (const text of ["null", '"x"', "3"])
      expect((await raw(text).expect(400)).body.details).toEqual({
        surveyId: "Invalid input: expected string, received undefined",
      });
    await post({ surveyId, workspaceId: newId(), environmentId: newId(), responseId: newId() }, { version }).expect(200);
  });

  test("answers 400 to a body that is not JSON, after the environment was found", async () => {
    const message = version === "v1" ? "Malformed JSON input, please check your request body" : "Invalid JSON in request body";
    for (const text of ["{", ""])
      expect((await raw(text).expect(400)).body).toEqual({
        code: "bad_request",
        message,
        details: { error: expect.any(String) },
      });
    await raw("{", newId()).expect(404);
  });

  test("answers 413 to a body over 2 MiB", async () => {
    const { body } = await raw("x".repeat(2_097_153)).expect(413);
    expect(body.details).toEqual({ error: "Request body must not exceed 2097152 bytes" });
  });

  test("OPTIONS may be cached, other methods answer 405", async () => {
    const path = `/api/${version}/client/${tenant.environmentId}/displays`;
    const { body, headers } = await server.request.options(path).expect(200);
    expect(body).toEqual({ data: {} });
    expect(headers["cache-control"]).toBe("public, s-maxage=3600, max-age=3600");
    expect((await server.request.get(path).expect(405)).text).toBe("");
  });
});

describe("the viewer of v1", () => {
  test("is a user id, whose contact is created or found", async () => {
    const first = await post({ surveyId, userId: "u" }, { version: "v1" }).expect(200);
    expect(await contacts()).toMatchObject([{ id: first.body.data.contactId, userId: "u", attributes: {} }]);
    const state = await server.request.post(`/api/v2/client/${tenant.environmentId}/user`).send({ userId: "u" }).expect(200);
    expect(state.body.data.state.data).toMatchObject({ contactId: first.body.data.contactId, displays: [{ surveyId }] });
  });

  test("is one contact however many displays arrive at once", async () => {
    const surveys = await Promise.all(
      Array.from({ length: 100 }, () => buildSurvey(server.db, { environmentId: tenant.environmentId })),
    );
    const sent = surveys.map(({ id }) => post({ surveyId: id, userId: "u" }, { version: "v1" }).expect(200));
    const ids = new Set((await Promise.all(sent)).map(({ body }) => body.data.contactId));
    expect(ids.size).toBe(1);
    expect(await contacts()).toHaveLength(1);
    expect(await displays()).toHaveLength(100);
  });

  test("is not created when the survey is refused", async () => {
    const paused = await buildSurvey(server.db, { environmentId: tenant.environmentId, status: "paused" });
    await post({ surveyId: paused.id, userId: "u" }, { version: "v1" }).expect(403);
    await post({ surveyId: newId(), userId: "u" }, { version: "v1" }).expect(404);
    expect(await contacts()).toEqual([]);
  });

  test("is nobody when the user id is empty, and a contact id is ignored", async () => {
    for (const body of [{ userId: "" }, { contactId: "Not A Cuid" }])
      expect((await post({ surveyId, ...body }, { version: "v1" }).expect(200)).body.data.contactId).toBeNull();
    expect(await contacts()).toEqual([]);
  });

  test.each([
    ["u".repeat(256), "User ID cannot exceed 255 characters"],
    [null, "Invalid input: expected string, received null"],
    [5, "Invalid input: expected string, received number"],
    ["a\u0000b", "Invalid input: NUL or an unpaired surrogate"],
  ])("answers 400 to the user id %j", async (userId, text) => {
    const { body } = await post({ surveyId, userId }, { version: "v1" }).expect(400);
    expect(body).toEqual({ code: "bad_request", message: INCORRECT, details: { userId: text } });
  });
});

describe("the viewer of v2", () => {
  test("is a contact of the environment, else nobody", async () => {
    const mine = await buildContact(server.db, { environmentId: tenant.environmentId, userId: "u" });
    const other = await buildTenant(server.db);
    const foreign = await buildContact(server.db, { environmentId: other.environmentId, userId: "u" });
    const viewerOf = async (body: object) => (await post({ surveyId, ...body }).expect(200)).body.data.contactId;
    expect(await viewerOf({ contactId: mine.id })).toBe(mine.id);
    expect(await viewerOf({ contactId: foreign.id })).toBeNull();
    expect(await viewerOf({ contactId: newId() })).toBeNull();
    expect(await viewerOf({ userId: "u" })).toBeNull();
  });

  test.each([
    [null, "Invalid input: expected string, received null"],
    ["Not A Cuid", "Invalid cuid2"],
  ])("answers 400 to the contact id %j", async (contactId, text) => {
    expect((await post({ surveyId, contactId }).expect(400)).body.details).toEqual({ contactId: text });
  });

  test("counts a display that is sent again at once only once, each survey and contact for itself", async () => {
    const [one, two] = await Promise.all(
      ["a", "b"].map((userId) => buildContact(server.db, { environmentId: tenant.environmentId, userId })),
    );
    const other = await buildSurvey(server.db, { environmentId: tenant.environmentId });
    const first = await post({ surveyId, contactId: one?.id }).expect(200);
    const again = await post({ surveyId, contactId: one?.id }).expect(200);
    expect(again.body).toEqual(first.body);
    await post({ surveyId, contactId: two?.id }).expect(200);
    await post({ surveyId: other.id, contactId: one?.id }).expect(200);
    expect(await displays()).toHaveLength(3);
  });

  test("counts a display again after two seconds", async () => {
    const { id } = await buildContact(server.db, { environmentId: tenant.environmentId, userId: "u" });
    const first = await post({ surveyId, contactId: id }).expect(200);
    await new Promise((resume) => setTimeout(resume, 2_100));
    const second = await post({ surveyId, contactId: id }).expect(200);
    expect(second.body.data.id).not.toBe(first.body.data.id);
    expect(await displays()).toHaveLength(2);
  });
});

describe("GET /api/v1/client/{environmentId}/displays/{displayId}/response", () => {
  const get = (displayId: string, id = tenant.environmentId) =>
    server.request.get(`/api/v1/client/${id}/displays/${displayId}/response`);

  test("answers the response's id, or null before there is one", async () => {
    const { id } = (await post({ surveyId }).expect(200)).body.data;
    expect((await get(id).expect(200)).body).toEqual({ data: { responseId: null } });
    const responseId = newId();
    await server.db.prisma.response.create({
      data: { environmentId: tenant.environmentId, id: responseId, surveyId, displayId: id, finished: false, data: {} },
    });
    const { body, headers } = await get(id).expect(200);
    expect(body).toEqual({ data: { responseId } });
    expect(headers["cache-control"]).toBe("private, no-store");
  });

  test("answers 404 to a display that is not there or another environment's", async () => {
    const { id } = (await post({ surveyId }).expect(200)).body.data;
    const unknown = newId();
    expect((await get(unknown).expect(404)).body).toEqual({
      code: "not_found",
      message: "Display not found",
      details: { resource_id: unknown, resource_type: "Display" },
    });
    await get(id, tenant.developmentId).expect(404);
    expect((await get(id, newId()).expect(404)).body.message).toBe("Workspace not found");
  });

  test("answers 400 to an id that can be none", async () => {
    const { body } = await get("Not-A-Cuid").expect(400);
    expect(body).toEqual({ code: "bad_request", message: "Validation failed: Invalid cuid2", details: {} });
  });

  test("OPTIONS is not cached; v2 does not have the path", async () => {
    const { body, headers } = await server.request
      .options(`/api/v1/client/${tenant.environmentId}/displays/${newId()}/response`)
      .expect(200);
    expect(body).toEqual({ data: {} });
    expect(headers["cache-control"]).toBe("private, no-store");
    await server.request.get(`/api/v2/client/${tenant.environmentId}/displays/${newId()}/response`).expect(404);
  });
});

test("displays are limited per address when limits are on", async () => {
  const limited = await startTestServer({ RATE_LIMIT: true });
  const path = `/api/v2/client/${tenant.environmentId}/displays`;
  let last = 0;
  for (let sent = 0; sent < 202 && last !== 429; sent++) last = (await limited.request.post(path).send({ surveyId })).status;
  await limited.close();
  expect(last).toBe(429);
});
