import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { newId } from "../../../../src/shared/ids.ts";
import { buildApiKey, buildTenant } from "../../../support/build.ts";
import { startTestServer, type TestServer } from "../../../support/server.ts";

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.close());

const PATH = "/api/v1/management/action-classes";
const ISO = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
const ID = expect.stringMatching(/^c[a-z0-9]{24}$/);
const NO_PERMISSION = { code: "unauthorized", message: "You are not authorized to access this resource", details: {} };
const NO_KEY = {
  code: "not_authenticated",
  message: "Not authenticated",
  details: { "x-Api-Key": "Header not provided or API Key invalid" },
};
const BAD_ID = { code: "bad_request", message: "Validation failed: Invalid cuid2", details: {} };
const fields = (details: Record<string, unknown>) => ({
  code: "bad_request",
  message: "Fields are missing or incorrectly formatted",
  details,
});
const notFound = (id: string) => ({
  code: "not_found",
  message: "Action Class not found",
  details: { resource_id: id, resource_type: "Action Class" },
});

const post = (apiKey: string, body: object) => server.request.post(PATH).set("x-api-key", apiKey).send(body);
const put = (apiKey: string, id: string, body: object) => server.request.put(`${PATH}/${id}`).set("x-api-key", apiKey).send(body);
const get = (apiKey: string, id = "") => server.request.get(id === "" ? PATH : `${PATH}/${id}`).set("x-api-key", apiKey);
const remove = (apiKey: string, id: string) => server.request.delete(`${PATH}/${id}`).set("x-api-key", apiKey);

const CODE = { name: "Signed up", type: "code", key: "signed_up" };
const PAGE = {
  name: "Pricing viewed",
  type: "noCode",
  description: "Landing on the price list",
  noCodeConfig: { type: "pageView", urlFilters: [{ value: "/pricing", rule: "contains" }] },
};

describe("POST /api/v1/management/action-classes", () => {
  it("answers 200 with the action class under both names of its environment", async () => {
    const { apiKey, environmentId } = await buildTenant(server.db);
    const { body } = await post(apiKey, { workspaceId: environmentId, ...PAGE, more: true }).expect(200);
    const expected = { id: ID, createdAt: ISO, updatedAt: ISO, ...PAGE, key: null, workspaceId: environmentId, environmentId };
    expect(body).toEqual({ data: expected });
    expect((await get(apiKey, body.data.id).expect(200)).body).toEqual(body);
  });

  it("takes the environment's older id and shows it", async () => {
    const { apiKey, environmentId } = await buildTenant(server.db);
    const legacyId = newId();
    await server.db.prisma.environment.update({ where: { id: environmentId }, data: { legacyId } });
    const { body } = await post(apiKey, { environmentId: legacyId, ...CODE }).expect(200);
    expect(body.data).toMatchObject({ ...CODE, noCodeConfig: null, workspaceId: environmentId, environmentId: legacyId });
  });

  it("answers 409 when the environment has the name or the key already, and takes both elsewhere", async () => {
    const { apiKey, environmentId, developmentId } = await buildTenant(server.db);
    await post(apiKey, { workspaceId: environmentId, ...CODE }).expect(200);
    const name = await post(apiKey, { workspaceId: environmentId, ...CODE, key: "other" }).expect(409);
    expect(name.body).toEqual({ code: "conflict", message: "Action with name Signed up already exists", details: {} });
    const key = await post(apiKey, { workspaceId: environmentId, ...CODE, name: "Other" }).expect(409);
    expect(key.body).toEqual({ code: "conflict", message: "Action with key signed_up already exists", details: {} });
    await post(apiKey, { workspaceId: developmentId, ...CODE }).expect(200);
  });

  it("answers 409 to all but one of the same requests at the same time", async () => {
    const { apiKey, environmentId } = await buildTenant(server.db);
    const answers = await Promise.all(Array.from({ length: 5 }, () => post(apiKey, { workspaceId: environmentId, ...CODE })));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 409, 409, 409, 409]);
  });

  it.each([
    ["no name", { type: "code", key: "k" }, { name: "Name is required" }],
    ["no key", { name: "X", type: "code" }, { key: "Invalid input: expected string, received undefined" }],
    ["no config", { name: "X", type: "noCode" }, { noCodeConfig: "Invalid input" }],
    ["another type", { name: "X", type: "automatic" }, { type: "Invalid input" }],
    [
      "a click on nothing",
      { name: "X", type: "noCode", noCodeConfig: { type: "click", urlFilters: [], elementSelector: {} } },
      { "noCodeConfig.elementSelector": "Either a CSS selector or the inner text is required" },
    ],
    [
      "an exact match of no address",
      { name: "X", type: "noCode", noCodeConfig: { type: "exitIntent", urlFilters: [{ value: "pricing", rule: "exactMatch" }] } },
      { "noCodeConfig.urlFilters.0.value": "Must be a path that starts with / or a complete http(s) URL" },
    ],
    [
      "a dwell time of 0",
      { name: "X", type: "noCode", noCodeConfig: { type: "pageDwell", urlFilters: [], timeInSeconds: 0 } },
      expect.any(Object),
    ],
    [
      "a name that no index takes",
      { name: "x".repeat(3000), type: "code", key: null },
      { name: "Must not be longer than 2000 bytes" },
    ],
  ])("answers 400 with the field, and CORS headers, to %s", async (_name, content, details) => {
    const { apiKey, environmentId } = await buildTenant(server.db);
    const response = await post(apiKey, { workspaceId: environmentId, ...content }).expect(400);
    expect(response.body).toEqual(fields(details));
    expect(response.headers["access-control-allow-origin"]).toBe("*");
  });

  it("answers 400 to a body that is no JSON, that is null, or that names no environment", async () => {
    const { apiKey } = await buildTenant(server.db);
    for (const text of ["{", "", "null"]) {
      const request = server.request.post(PATH).set("x-api-key", apiKey).set("content-type", "application/json");
      expect((await request.send(text).expect(400)).body).toEqual({
        code: "bad_request",
        message: "Malformed JSON input, please check your request body",
        details: {},
      });
    }
    const missing = { code: "bad_request", message: "workspaceId must be provided", details: {} };
    expect((await post(apiKey, CODE).expect(400)).body).toEqual(missing);
    expect((await post(apiKey, { ...CODE, workspaceId: "" }).expect(400)).body).toEqual(missing);
    const number = { code: "bad_request", message: "workspaceId must be a string", details: {} };
    expect((await post(apiKey, { ...CODE, workspaceId: 1 }).expect(400)).body).toEqual(number);
  });

  it("answers 404 to an environment that does not exist, and 401 to a neighbour's, before the fields are checked", async () => {
    const [{ apiKey }, neighbour] = [await buildTenant(server.db), await buildTenant(server.db)];
    expect((await post(apiKey, { workspaceId: "nowhere" }).expect(404)).body).toEqual({
      code: "not_found",
      message: "Workspace not found",
      details: { resource_id: "nowhere", resource_type: "Workspace" },
    });
    expect((await post(apiKey, { workspaceId: neighbour.environmentId }).expect(401)).body).toEqual(NO_PERMISSION);
  });

  it("answers 413 to a body of more than 2 MiB", async () => {
    const { apiKey, environmentId } = await buildTenant(server.db);
    const { body } = await post(apiKey, { workspaceId: environmentId, ...CODE, description: "x".repeat(2_097_152) }).expect(413);
    expect(body).toEqual({
      code: "payload_too_large",
      message: "Payload Too Large",
      details: { error: "Request body must not exceed 2097152 bytes" },
    });
  });
});

describe("GET /api/v1/management/action-classes", () => {
  it("lists those of all environments of the key, oldest first, and no neighbour's", async () => {
    const [tenant, neighbour] = [await buildTenant(server.db), await buildTenant(server.db)];
    await post(neighbour.apiKey, { workspaceId: neighbour.environmentId, ...CODE }).expect(200);
    await post(tenant.apiKey, { workspaceId: tenant.developmentId, ...CODE }).expect(200);
    await post(tenant.apiKey, { workspaceId: tenant.environmentId, ...PAGE }).expect(200);
    const { body } = await get(tenant.apiKey).expect(200);
    expect(body.data.map(({ name, workspaceId }: { name: string; workspaceId: string }) => [name, workspaceId])).toEqual([
      [CODE.name, tenant.developmentId],
      [PAGE.name, tenant.environmentId],
    ]);
  });

  it("takes the key as a bearer token too", async () => {
    const { apiKey } = await buildTenant(server.db);
    await server.request.get(PATH).set("authorization", `Bearer ${apiKey}`).expect(200, { data: [] });
  });

  it("answers 401 without a key, and to a key without environments", async () => {
    const { apiKey } = await buildTenant(server.db, { permission: null });
    expect((await server.request.get(PATH).expect(401)).body).toEqual(NO_KEY);
    expect((await get(apiKey).expect(401)).body).toEqual(NO_KEY);
  });
});

describe("/api/v1/management/action-classes/{id}", () => {
  it("answers 200 to PUT, with the surveys it triggers; the stored environment and the other type's member stay", async () => {
    const { apiKey, environmentId, developmentId } = await buildTenant(server.db);
    const created = await post(apiKey, { workspaceId: environmentId, ...CODE, description: "d" }).expect(200);
    const { id } = created.body.data;
    const { body } = await put(apiKey, id, { environmentId: developmentId, ...PAGE, description: undefined }).expect(200);
    expect(body.data).toEqual({
      ...{ id, createdAt: created.body.data.createdAt, updatedAt: ISO },
      ...{ ...PAGE, description: "d", key: "signed_up", workspaceId: environmentId, environmentId, surveyTriggers: [] },
    });
  });

  it("answers 409 to PUT with a name that another one has, and 400 without an environment", async () => {
    const { apiKey, environmentId } = await buildTenant(server.db);
    await post(apiKey, { workspaceId: environmentId, ...CODE }).expect(200);
    const { id } = (await post(apiKey, { workspaceId: environmentId, ...PAGE }).expect(200)).body.data;
    await put(apiKey, id, { workspaceId: environmentId, ...PAGE, name: CODE.name }).expect(409);
    await put(apiKey, id, PAGE).expect(400);
    await put(apiKey, id, { workspaceId: environmentId, ...PAGE }).expect(200);
  });

  it("answers 200 to DELETE with what it was, and 404 from then on", async () => {
    const { apiKey, environmentId } = await buildTenant(server.db);
    const { data } = (await post(apiKey, { workspaceId: environmentId, ...CODE }).expect(200)).body;
    expect((await remove(apiKey, data.id).expect(200)).body).toEqual({ data });
    expect((await remove(apiKey, data.id).expect(404)).body).toEqual(notFound(data.id));
    expect((await get(apiKey, data.id).expect(404)).body).toEqual(notFound(data.id));
    expect((await put(apiKey, data.id, {}).expect(404)).body).toEqual(notFound(data.id));
  });

  it("answers 400 to what cannot be an id", async () => {
    const { apiKey } = await buildTenant(server.db);
    for (const request of [get(apiKey, "Nope!"), put(apiKey, "Nope!", {}), remove(apiKey, "Nope!")])
      expect((await request.expect(400)).body).toEqual(BAD_ID);
  });

  it("answers 401 to a neighbour, and to a key whose level is too low", async () => {
    const [tenant, neighbour] = [await buildTenant(server.db), await buildTenant(server.db)];
    const { environmentId } = tenant;
    const { id } = (await post(tenant.apiKey, { workspaceId: environmentId, ...CODE }).expect(200)).body.data;
    const readKey = await buildApiKey(server.db, { ...tenant, permissions: { [environmentId]: "read" } });
    const writeKey = await buildApiKey(server.db, { ...tenant, permissions: { [environmentId]: "write" } });
    const body = { workspaceId: environmentId, ...CODE };
    for (const request of [
      get(neighbour.apiKey, id),
      put(neighbour.apiKey, id, body),
      remove(neighbour.apiKey, id),
      post(readKey, { ...body, name: "Other", key: "other" }),
      put(readKey, id, body),
      remove(readKey, id),
      remove(writeKey, id),
    ])
      expect((await request.expect(401)).body).toEqual(NO_PERMISSION);
    await get(readKey, id).expect(200);
    await put(writeKey, id, body).expect(200);
  });

  it("answers 405 to other methods", async () => {
    await server.request.patch(`${PATH}/abc`).expect(405, "");
  });
});

it("answers 429 with Retry-After when a key asks too often", async () => {
  const limited = await startTestServer({ RATE_LIMIT: true });
  try {
    const { apiKey } = await buildTenant(limited.db);
    const statuses: number[] = [];
    for (let asked = 0; asked < 201 && statuses.at(-1) !== 429; asked++)
      statuses.push((await limited.request.get(PATH).set("x-api-key", apiKey)).status);
    const refused = await limited.request.get(PATH).set("x-api-key", apiKey).expect(429);
    expect(refused.body.code).toBe("too_many_requests");
    expect(Number(refused.headers["retry-after"])).toBeGreaterThan(0);
  } finally {
    await limited.close();
  }
});
