import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { newId } from "../../../../src/shared/ids.ts";
import type { PermissionLevel } from "../../../../src/shared/principal.ts";
import { buildApiKey, buildContact, buildSurvey, buildTenant, buildWebhook, type Tenant } from "../../../support/build.ts";
import { makeDisplay, readOutbox, readResponses } from "../../../support/responses.ts";
import { startTestServer, type TestServer } from "../../../support/server.ts";
import { BAD_ID, BAD_JSON, conflict, fields, ID, ISO, message, NO_KEY, NO_PERMISSION, NO_TENANT, notFound } from "./answers.ts";

const PUBLIC_URL = "https://forms.acme.test";

let server: TestServer;
let tenant: Tenant;
let surveyId: string;
beforeAll(async () => {
  server = await startTestServer({ PUBLIC_URL });
});
afterAll(() => server.close());
beforeEach(async () => {
  tenant = await buildTenant(server.db);
  await buildWebhook(server.db, { ...tenant, triggers: ["responseCreated", "responseUpdated", "responseFinished"] });
  surveyId = (await buildSurvey(server.db, { environmentId: tenant.environmentId, document: DOCUMENT })).id;
});

const PATH = "/api/v1/management/responses";
const DOCUMENT = {
  blocks: [
    {
      id: "b1",
      name: "Block",
      elements: [
        {
          id: "why",
          type: "openText",
          required: false,
          inputType: "text",
          validation: { logic: "and", rules: [{ id: "r1", type: "minLength", params: { min: 2 } }] },
        },
        { id: "file", type: "fileUpload", required: false },
      ],
    },
  ],
};

type Method = "get" | "post" | "put" | "delete";
const send = (method: Method, path: string, body?: unknown, apiKey = tenant.apiKey) => {
  const request = server.request[method](`${PATH}${path}`).set("x-api-key", apiKey);
  return body === undefined ? request : request.send(typeof body === "string" ? body : JSON.stringify(body));
};
const create = (body: object, apiKey?: string) =>
  send("post", "", { workspaceId: tenant.environmentId, surveyId, finished: false, data: {}, ...body }, apiKey);
const made = async (body: object = {}) => (await create(body).expect(200)).body.data;
const keyOf = (permission: PermissionLevel) =>
  buildApiKey(server.db, { ...tenant, permissions: { [tenant.environmentId]: permission } });
const readAll = () => readResponses(server, tenant.environmentId);

describe("POST /api/v1/management/responses", () => {
  it("answers 200 with the response, as GET shows it", async () => {
    const contact = await buildContact(server.db, { ...tenantOf(tenant), userId: "u-17", attributes: { plan: "gold", age: 21 } });
    const body = {
      finished: true,
      data: { why: "Docs", hidden: 5, list: ["a"], matrix: { row: "x" } },
      userId: "u-17",
      endingId: "end1",
      language: "hi",
      variables: { score: 3 },
      ttc: { why: 1500, other: -5 },
      meta: { source: "crm", url: "https://acme.test", ipAddress: "192.0.2.1", userAgent: { os: "Linux" }, unknown: 1 },
      createdAt: "2024-01-02T03:04:05Z",
    };
    const answer = await create(body).expect(200);
    expect(answer.headers).toMatchObject({ "access-control-allow-origin": "*", "cache-control": "private, no-store" });
    expect(answer.body.data).toEqual({
      ...{ id: ID, createdAt: "2024-01-02T03:04:05.000Z", updatedAt: "2024-01-02T03:04:05.000Z", surveyId, finished: true },
      ...{ endingId: "end1", data: body.data, language: "hi-IN", variables: { score: 3 }, displayId: null, singleUseId: null },
      ttc: { why: 1500, other: 0, _total: 1500 },
      meta: { source: "crm", url: "https://acme.test", ipAddress: "192.0.2.1", userAgent: { os: "Linux" } },
      contact: { id: contact.id, userId: "u-17" },
      contactAttributes: { userId: "u-17", plan: "gold", age: "21" },
      tags: [],
    });
    expect((await send("get", `/${answer.body.data.id}`).expect(200)).body).toEqual(answer.body);
  });

  it("leaves an unknown user out, and takes a survey of any status", async () => {
    await server.db.prisma.survey.updateMany({ where: { id: surveyId }, data: { status: "draft" } });
    expect(await made({ userId: "nobody" })).toMatchObject({ contact: null, contactAttributes: null, createdAt: ISO, ttc: {} });
  });

  it("writes its events with it", async () => {
    const { id } = await made({ finished: true });
    await made();
    const events = await readOutbox(server, tenant.environmentId);
    expect(events.map(({ type }) => type)).toEqual(["responseCreated", "responseFinished", "responseCreated"]);
    expect(events[1]?.payload).toMatchObject({ id, surveyId, finished: true });
  });

  it("finishes a response that meets a full quota, with the quota's ending", async () => {
    const quota = { id: newId(), surveyId, ...tenantOf(tenant), name: "None", limit: 0, action: "endSurvey" as const };
    await server.db.prisma.surveyQuota.create({
      data: { ...quota, endingCardId: "full", logic: { connector: "and", conditions: [] } },
    });
    expect(await made()).toMatchObject({ finished: true, endingId: "full" });
    expect(await server.db.prisma.responseQuotaLink.count({ where: tenantOf(tenant) })).toBe(1);
  });

  it("takes the environment's older id", async () => {
    const legacyId = newId();
    await server.db.prisma.environment.update({ where: { id: tenant.environmentId }, data: { legacyId } });
    await send("post", "", { environmentId: legacyId, surveyId, finished: true, data: {} }).expect(200);
  });

  it.each([
    ["finished missing", { finished: undefined }, { finished: "Invalid input: expected boolean, received undefined" }],
    ["a surveyId that is none", { surveyId: "No!" }, { surveyId: "Invalid cuid2" }],
    ["a boolean as answer", { data: { why: true } }, { "data.why": "Invalid input" }],
    ["language null", { language: null }, { language: "Invalid input: expected string, received null" }],
    ["a date that is none", { createdAt: "soon" }, { createdAt: "Invalid input: expected date, received Date" }],
  ])("answers 400 to %s, and stores nothing", async (_name, change, details) => {
    const answer = await create(change).expect(400);
    expect(answer.body).toEqual(fields(details));
    expect(answer.headers["access-control-allow-origin"]).toBe("*");
    expect(await readAll()).toEqual([]);
  });

  it("answers 400 to answers that the survey does not take, and stores nothing", async () => {
    const short = await create({ data: { why: "a" } }).expect(400);
    expect(short.body).toEqual(message("Validation failed", { "response.data.why": "Please enter at least 2 characters" }));
    const file = await create({ data: { file: ["https://elsewhere.test/a.png"] } }).expect(400);
    expect(file.body).toEqual(
      message("Invalid file upload response: each file URL must reference a file uploaded to this survey's file-upload element"),
    );
    expect(await readAll()).toEqual([]);
  });

  it("takes files of the element, and those of the environment from before elements had their own", async () => {
    const file = [`/storage/${tenant.environmentId}/private/surveys/${surveyId}/elements/file/a.png`];
    const { id, data } = await made({ data: { file } });
    expect(data).toEqual({ file });
    expect((await send("get", `/${id}`).expect(200)).body.data.data).toEqual({ file: [`${PUBLIC_URL}${file[0]}`] });
    await made({ data: { file: [`/storage/${tenant.environmentId}/private/a.png`] } });
  });

  it("answers 400, 401 and 404 for the tenant before it looks at the rest", async () => {
    const neighbour = await buildTenant(server.db);
    const unknown = newId();
    expect((await create({ workspaceId: undefined, finished: "x" }).expect(400)).body).toEqual(NO_TENANT);
    expect((await create({ workspaceId: 5 }).expect(400)).body).toEqual(message("workspaceId must be a string"));
    expect((await create({ workspaceId: unknown }).expect(404)).body).toEqual(notFound("Workspace", unknown));
    expect((await create({ workspaceId: neighbour.environmentId, finished: "x" }).expect(401)).body).toEqual(NO_PERMISSION);
  });

  it("answers 404 to an unknown survey, and 400 to one of another environment", async () => {
    const unknown = newId();
    const missing = await create({ surveyId: unknown }).expect(404);
    expect(missing.body).toEqual(notFound("Survey", unknown));
    expect(missing.headers["access-control-allow-origin"]).toBe("*");
    const foreign = await create({ workspaceId: tenant.developmentId }).expect(400);
    expect(foreign.body).toEqual(message("Survey is part of another workspace", { workspaceId: tenant.developmentId }));
  });

  it("answers 409 when the display or the single-use id has a response, and 400 when there is no such display", async () => {
    const displayId = await makeDisplay(server, { ...tenantOf(tenant), surveyId });
    await made({ displayId, singleUseId: "once" });
    expect((await create({ displayId }).expect(409)).body).toEqual(conflict("A response with this displayId already exists"));
    expect((await create({ singleUseId: "once" }).expect(409)).body).toEqual(
      conflict("A response with this singleUseId already exists"),
    );
    expect((await create({ displayId: newId() }).expect(400)).body).toEqual(message("Display ID does not exist"));
    expect(await readAll()).toHaveLength(1);
  });

  it("answers 400 to what is no JSON, and 413 to a body that is too large", async () => {
    for (const body of ["{", "null", ""]) expect((await send("post", "", body).expect(400)).body).toEqual(BAD_JSON);
    const large = await create({ data: { why: "x".repeat(2_097_152) } }).expect(413);
    expect(large.body).toEqual({
      code: "payload_too_large",
      message: "Payload Too Large",
      details: { error: "Request body must not exceed 2097152 bytes" },
    });
  });

  it("answers 400 to text that cannot be stored", async () => {
    const issue = "Invalid input: NUL or an unpaired surrogate";
    expect((await create({ data: { why: "nul \u0000" } }).expect(400)).body).toEqual(fields({ "data.why": issue }));
    expect((await create({ singleUseId: "half \ud800" }).expect(400)).body).toEqual(fields({ singleUseId: issue }));
    expect(await readAll()).toEqual([]);
  });
});

describe("GET /api/v1/management/responses", () => {
  it("answers 200 with the newest first, of all environments of the key", async () => {
    const elsewhere = await buildSurvey(server.db, { environmentId: tenant.developmentId });
    const old = await made({ createdAt: "2024-01-01T00:00:00Z" });
    const recent = await made({ createdAt: "2025-01-01T00:00:00Z" });
    const other = (
      await create({ workspaceId: tenant.developmentId, surveyId: elsewhere.id, createdAt: "2024-06-01T00:00:00Z" }).expect(200)
    ).body.data;
    const idsOf = async (query: string) => (await send("get", query).expect(200)).body.data.map(({ id }: { id: string }) => id);
    expect(await idsOf("")).toEqual([recent.id, other.id, old.id]);
    expect(await idsOf("?limit=1&skip=1")).toEqual([other.id]);
    expect(await idsOf("?limit=0&offset=2")).toEqual([old.id]);
    expect(await idsOf(`?surveyId=${surveyId}`)).toEqual([recent.id, old.id]);
    expect(await idsOf(`?surveyId=${surveyId}&limit=0`)).toEqual([]);
    expect(await idsOf(`?surveyId=${surveyId}&limit=&skip=1`)).toEqual([old.id]);
    expect(await idsOf("?surveyId=")).toHaveLength(3);
  });

  it("shows 25 of a survey unless more are asked for", async () => {
    await server.db.prisma.response.createMany({
      data: Array.from({ length: 27 }, () => ({ id: newId(), ...tenantOf(tenant), surveyId, finished: false, data: {} })),
    });
    expect((await send("get", `?surveyId=${surveyId}`).expect(200)).body.data).toHaveLength(25);
    expect((await send("get", `?surveyId=${surveyId}&limit=30`).expect(200)).body.data).toHaveLength(27);
    expect((await send("get", "").expect(200)).body.data).toHaveLength(27);
  });

  it("answers 400 to numbers that are none", async () => {
    expect((await send("get", "?limit=x").expect(400)).body).toEqual(
      message("Validation failed: Invalid input: expected number, received NaN"),
    );
    expect((await send("get", "?skip=-1").expect(400)).body).toEqual(fields({ skip: "Too small: expected number to be >=0" }));
    expect((await send("get", "?surveyId=No!").expect(400)).body).toEqual(BAD_ID);
  });

  it("answers 404 to an unknown survey, and 401 to a neighbour's", async () => {
    const unknown = newId();
    expect((await send("get", `?surveyId=${unknown}`).expect(404)).body).toEqual(notFound("Survey", unknown));
    const neighbour = await buildTenant(server.db);
    const foreign = await buildSurvey(server.db, { environmentId: neighbour.environmentId });
    expect((await send("get", `?surveyId=${foreign.id}`).expect(401)).body).toEqual(NO_PERMISSION);
  });

  it("answers 401 without a key, and with one that may use no environment", async () => {
    expect((await server.request.get(PATH).expect(401)).body).toEqual(NO_KEY);
    const useless = await buildApiKey(server.db, { ...tenant, permissions: {} });
    expect((await send("get", "", undefined, useless).expect(401)).body).toEqual(NO_KEY);
  });

  it("is what /api/v1/responses leads to", async () => {
    const { headers } = await server.request.get("/api/v1/responses?limit=1").expect(308);
    expect(headers.location).toBe(`${PATH}?limit=1`);
  });
});

describe("GET /api/v1/management/responses/{id}", () => {
  it("shows tags under both names of the environment", async () => {
    const { id } = await made();
    const tag = { id: newId(), name: "important", ...tenantOf(tenant) };
    await server.db.prisma.tag.create({ data: tag });
    await server.db.prisma.responseTag.create({ data: { ...tenantOf(tenant), responseId: id, tagId: tag.id } });
    const { body } = await send("get", `/${id}`).expect(200);
    const workspaceId = tenant.environmentId;
    expect(body.data.tags).toEqual([{ ...tag, createdAt: ISO, updatedAt: ISO, workspaceId }]);
  });

  it("answers 400, 404 and 401 to an id that is none, is unknown, is a neighbour's", async () => {
    const unknown = newId();
    expect((await send("get", "/No!").expect(400)).body).toEqual(BAD_ID);
    expect((await send("get", `/${unknown}`).expect(404)).body).toEqual(notFound("Response", unknown));
    const { id } = await made();
    const neighbour = await buildTenant(server.db);
    for (const method of ["get", "put", "delete"] as const)
      expect((await send(method, `/${id}`, method === "put" ? {} : undefined, neighbour.apiKey).expect(401)).body).toEqual(
        NO_PERMISSION,
      );
  });
});

describe("PUT /api/v1/management/responses/{id}", () => {
  it("answers 200 with data, variables and times merged, and the rest replaced", async () => {
    const { id, createdAt } = await made({
      data: { why: "Docs", a: "1" },
      variables: { x: 1, y: 1 },
      ttc: { why: 100 },
      endingId: "e1",
    });
    const change = { finished: true, data: { a: "2" }, variables: { y: "z" }, ttc: { a: 50 }, endingId: null, language: "de" };
    const { body } = await send("put", `/${id}`, { ...change, meta: { source: "x" } }).expect(200);
    expect(body.data).toMatchObject({
      ...{ id, createdAt, finished: true, data: { why: "Docs", a: "2" }, variables: { x: 1, y: "z" } },
      ...{ ttc: { why: 100, a: 50, _total: 150 }, endingId: null, language: "de-DE", meta: {} },
    });
    const again = await send("put", `/${id}`, { finished: true }).expect(200);
    expect(again.body.data.ttc).toEqual({ why: 100, a: 50, _total: 150 });
    expect((await readOutbox(server, tenant.environmentId)).map(({ type }) => type)).toEqual([
      ...["responseCreated", "responseUpdated", "responseFinished", "responseUpdated", "responseFinished"],
    ]);
  });

  it("takes a body without data, and one that says nothing", async () => {
    const { id } = await made({ finished: true, data: { why: "Docs" } });
    const { body } = await send("put", `/${id}`, { finished: false }).expect(200);
    expect(body.data).toMatchObject({ finished: false, data: { why: "Docs" } });
    expect((await send("put", `/${id}`, {}).expect(200)).body.data).toMatchObject({ finished: false, data: { why: "Docs" } });
  });

  it("shows files under whole addresses", async () => {
    const { id } = await made();
    const file = `/storage/${tenant.environmentId}/private/surveys/${surveyId}/elements/file/a.png`;
    const { body } = await send("put", `/${id}`, { data: { file: [file] } }).expect(200);
    expect(body.data.data).toEqual({ file: [`${PUBLIC_URL}${file}`] });
    expect((await readAll())[0]?.data).toEqual({ file: [file] });
  });

  it("answers 400 to what the schema and the survey do not take, and changes nothing", async () => {
    const { id } = await made({ data: { why: "Docs" } });
    expect((await send("put", `/${id}`, { finished: "x" }).expect(400)).body).toEqual(
      fields({ finished: "Invalid input: expected boolean, received string" }),
    );
    expect((await send("put", `/${id}`, "{").expect(400)).body).toEqual(BAD_JSON);
    expect((await send("put", `/${id}`, { data: { why: "a" } }).expect(400)).body).toEqual(
      message("Validation failed", { "response.data.why": "Please enter at least 2 characters" }),
    );
    expect((await readAll()).map(({ data }) => data)).toEqual([{ why: "Docs" }]);
    expect(await readOutbox(server, tenant.environmentId)).toHaveLength(1);
  });

  it("answers 404 to an unknown response before it looks at the body", async () => {
    const unknown = newId();
    expect((await send("put", `/${unknown}`, "{").expect(404)).body).toEqual(notFound("Response", unknown));
  });

  it("loses none of the changes that come at once", async () => {
    const { id } = await made();
    const names = ["a", "b", "c", "d", "e", "f"];
    await Promise.all(names.map((name) => send("put", `/${id}`, { data: { [name]: "x" } }).expect(200)));
    const { body } = await send("get", `/${id}`).expect(200);
    expect(Object.keys(body.data.data).sort()).toEqual(names);
  });
});

describe("DELETE /api/v1/management/responses/{id}", () => {
  it("answers 200 with the response, which is gone with its display", async () => {
    const displayId = await makeDisplay(server, { ...tenantOf(tenant), surveyId });
    const response = await made({ displayId, data: { why: "Docs" } });
    expect((await send("delete", `/${response.id}`).expect(200)).body.data).toEqual(response);
    expect(await readAll()).toEqual([]);
    expect(await server.db.prisma.display.count({ where: tenantOf(tenant) })).toBe(0);
    expect((await send("delete", `/${response.id}`).expect(404)).body).toEqual(notFound("Response", response.id));
    expect((await readOutbox(server, tenant.environmentId)).map(({ type }) => type)).toEqual(["responseCreated"]);
  });
});

describe("permissions", () => {
  it.each([
    ["read", 200, 401, 401, 401],
    ["write", 200, 200, 200, 401],
    ["manage", 200, 200, 200, 200],
  ] as const)("a key with %s is answered %i, %i, %i, %i for GET, POST, PUT, DELETE", async (level, get, post, put, remove) => {
    const { id } = await made();
    const key = await keyOf(level);
    await send("get", `/${id}`, undefined, key).expect(get);
    await create({}, key).expect(post);
    await send("put", `/${id}`, {}, key).expect(put);
    await send("delete", `/${id}`, undefined, key).expect(remove);
  });
});

const tenantOf = ({ environmentId }: Tenant) => ({ environmentId });
