import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { newId } from "../../../../src/shared/ids.ts";
import { buildApiKey, buildContact, buildSurvey, buildTenant, buildWebhook, type Tenant } from "../../../support/build.ts";
import { startTestServer, type TestServer } from "../../../support/server.ts";
import { makeTemporaryFolder, type TemporaryFolder } from "../../../support/temporary-folder.ts";

const PUBLIC_URL = "https://forms.example.com";

let folder: TemporaryFolder;
let server: TestServer;
let tenant: Tenant;
let neighbour: Tenant;
beforeAll(async () => {
  folder = makeTemporaryFolder();
  server = await startTestServer({ PUBLIC_URL, DATA_DIR: folder.path });
  [tenant, neighbour] = [await buildTenant(server.db), await buildTenant(server.db)];
  await buildWebhook(server.db, { ...tenant, triggers: ["responseCreated", "responseUpdated", "responseFinished"] });
});
afterAll(async () => {
  await server.close();
  folder.remove();
});

const PATH = "/api/v2/management/responses";
const ISO = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
const ID = expect.stringMatching(/^c[a-z0-9]{24}$/);
const UNAUTHORIZED = { error: { code: 401, message: "Unauthorized" } };
const MESSAGES: Record<number, string> = { 400: "Bad Request", 404: "Not Found", 409: "Conflict", 422: "Unprocessable Entity" };
const problem = (code: number, ...details: [field: string, issue: string][]) => ({
  error: { code, message: MESSAGES[code], details: details.map(([field, issue]) => ({ field, issue })) },
});
const NOT_FOUND = problem(404, ["response", "not found"]);

type Method = "get" | "post" | "put" | "delete";
type Caller = Pick<Tenant, "apiKey">;
const send = (method: Method, path: string, body?: unknown, { apiKey }: Caller = tenant) => {
  const request = server.request[method](path).set("x-api-key", apiKey);
  return body === undefined ? request : request.send(typeof body === "string" ? body : JSON.stringify(body));
};
const keyOf = async (permission: "read" | "write" | "manage"): Promise<Caller> => ({
  apiKey: await buildApiKey(server.db, { ...tenant, permissions: { [tenant.environmentId]: permission } }),
});

const label = (text: string) => ({ default: text });
const DOCUMENT = {
  blocks: [
    {
      id: "b1",
      name: "Block",
      elements: [
        {
          id: "why",
          type: "openText",
          headline: label("Why?"),
          required: false,
          inputType: "text",
          validation: { logic: "and", rules: [{ id: "r1", type: "minLength", params: { min: 2 } }] },
        },
        {
          id: "pick",
          type: "multipleChoiceSingle",
          headline: label("Pick"),
          required: false,
          choices: [
            { id: "red", label: label("Red") },
            { id: "other", label: label("Other") },
          ],
        },
        { id: "file", type: "fileUpload", headline: label("File"), required: false, allowMultipleFiles: true },
      ],
    },
  ],
};
const buildOwnSurvey = (
  { environmentId }: Pick<Tenant, "environmentId"> = tenant,
  change: Parameters<typeof buildSurvey>[1] | object = {},
) => buildSurvey(server.db, { document: DOCUMENT, ...change, environmentId });

async function create(body: Record<string, unknown> = {}, owner: Tenant = tenant) {
  const surveyId = body.surveyId ?? (await buildOwnSurvey(owner)).id;
  return (await send("post", PATH, { surveyId, finished: false, data: {}, ...body }, owner).expect(201)).body.data;
}
const eventsOf = async (responseId: string) =>
  (await server.db.prisma.outboxEvent.findMany({ where: { responseId }, orderBy: { id: "asc" } })).map(({ type }) => type);

const replacement = (change: Record<string, unknown> = {}) => ({
  createdAt: "2024-02-03T04:05:06.000Z",
  updatedAt: "2024-02-04T04:05:06.000Z",
  finished: true,
  contactId: null,
  endingId: null,
  data: { why: "because" },
  variables: {},
  ttc: { why: 7 },
  meta: { url: "https://x.example" },
  contactAttributes: null,
  singleUseId: null,
  language: "de",
  displayId: null,
  ...change,
});

describe("POST /api/v2/management/responses", () => {
  it("answers 201 with the response, whatever the survey's status, and tells the outbox", async () => {
    const { id: surveyId } = await buildOwnSurvey(tenant, { status: "paused" });
    const { body } = await send("post", PATH, { surveyId, finished: false, data: {} }).expect(201);
    expect(body).toEqual({
      data: {
        id: ID,
        createdAt: ISO,
        updatedAt: ISO,
        finished: false,
        surveyId,
        contactId: null,
        endingId: null,
        data: {},
        variables: {},
        ttc: {},
        meta: {},
        contactAttributes: null,
        singleUseId: null,
        language: null,
        displayId: null,
      },
    });
    expect(await eventsOf(body.data.id)).toEqual(["responseCreated"]);
  });

  it("keeps what is given: dates, times with their sum, meta without other members, the canonical language", async () => {
    const { id: surveyId } = await buildOwnSurvey();
    const createdAt = "2024-02-03T04:05:06.000Z";
    const given = {
      surveyId,
      finished: true,
      createdAt,
      data: { why: "because", pick: "Red", unknown: ["a"] },
      variables: { score: 1 },
      ttc: { why: 10, pick: 5 },
      meta: { source: "s", url: "https://x.example", country: "DE", ipAddress: "1.2.3.4" },
      language: "en",
      singleUseId: "once",
    };
    const data = await create(given);
    expect(data).toMatchObject({
      createdAt,
      updatedAt: createdAt,
      data: given.data,
      variables: { score: 1 },
      ttc: { why: 10, pick: 5, _total: 15 },
      meta: { source: "s", url: "https://x.example", country: "DE" },
      language: "en-US",
      singleUseId: "once",
    });
    expect(data.meta).not.toHaveProperty("ipAddress");
    expect(await eventsOf(data.id)).toEqual(["responseCreated", "responseFinished"]);
    const [event] = await server.db.prisma.outboxEvent.findMany({ where: { responseId: data.id } });
    expect(event?.payload).toMatchObject({ id: data.id, createdAt, updatedAt: createdAt });
  });

  it("links the contact of a userId with its attributes as they are now, and is anonymous for an unknown one", async () => {
    const userId = newId();
    const { environmentId } = tenant;
    const contact = await buildContact(server.db, { environmentId, userId, attributes: { age: 21 } });
    const linked = await create({ userId });
    expect(linked).toMatchObject({ contactId: contact.id, contactAttributes: { age: "21", userId } });
    expect(await create({ userId: newId() })).toMatchObject({ contactId: null, contactAttributes: null });
  });

  it("obeys the survey's quotas", async () => {
    const { id: surveyId } = await buildOwnSurvey();
    const { environmentId } = tenant;
    const quota = { id: newId(), environmentId, surveyId, name: "Full", limit: 0, action: "endSurvey" as const };
    await server.db.prisma.surveyQuota.create({
      data: { ...quota, endingCardId: "end1", logic: { connector: "and", conditions: [] }, countPartialSubmissions: true },
    });
    const response = await create({ surveyId });
    const links = await server.db.prisma.responseQuotaLink.findMany({ where: { responseId: response.id } });
    expect([response.finished, response.endingId, links.map(({ status }) => status)]).toEqual([true, "end1", ["screenedOut"]]);
  });

  it("answers 400 to answers that the survey does not take", async () => {
    const { id: surveyId } = await buildOwnSurvey();
    const refused = async (data: unknown) =>
      (await send("post", PATH, { surveyId, finished: true, data }).expect(400)).body.error.details;
    expect(await refused({ why: "a" })).toEqual([
      {
        field: "response.data.why",
        issue: "Please enter at least 2 characters",
        meta: { elementId: "why", ruleId: "r1", ruleType: "minLength" },
      },
    ]);
    expect(await refused({ pick: "z".repeat(251) })).toEqual([
      { field: "response", issue: "Response for question pick exceeds character limit", meta: { questionId: "pick" } },
    ]);
    expect(await refused({ file: ["https://elsewhere.example/x.png"] })).toEqual([
      {
        field: "response",
        issue: "Invalid file upload response: each file URL must reference a file uploaded to this survey's file-upload element",
      },
    ]);
    await send("post", PATH, "{").expect(400);
  });

  it("answers 404 to an unknown survey and to a display that is not the survey's, 401 for a neighbour's survey", async () => {
    const body = { finished: false, data: {} };
    expect((await send("post", PATH, { ...body, surveyId: newId() }).expect(404)).body).toEqual(
      problem(404, ["survey", "not found"]),
    );
    const foreign = await buildOwnSurvey(neighbour);
    expect((await send("post", PATH, { ...body, surveyId: foreign.id }).expect(401)).body).toEqual(UNAUTHORIZED);
    const [own, other] = [await buildOwnSurvey(), await buildOwnSurvey()];
    const { environmentId } = tenant;
    const display = await server.db.prisma.display.create({ data: { id: newId(), environmentId, surveyId: other.id } });
    for (const displayId of [newId(), display.id])
      expect((await send("post", PATH, { ...body, surveyId: own.id, displayId }).expect(404)).body).toEqual(
        problem(404, ["display", "not found"]),
      );
  });

  it("answers 409 to a display or single-use id that another response has", async () => {
    const { id: surveyId } = await buildOwnSurvey();
    const { environmentId } = tenant;
    const display = await server.db.prisma.display.create({ data: { id: newId(), environmentId, surveyId } });
    const body = { surveyId, finished: false, data: {} };
    await create({ ...body, displayId: display.id, singleUseId: "once" });
    expect((await send("post", PATH, { ...body, displayId: display.id }).expect(409)).body).toEqual(
      problem(409, ["displayId", "A response with this displayId already exists"]),
    );
    expect((await send("post", PATH, { ...body, singleUseId: "once" }).expect(409)).body).toEqual(
      problem(409, ["singleUseId", "A response with this singleUseId already exists"]),
    );
  });

  it.each<[unknown, [string, string][]]>([
    [
      {},
      [
        ["surveyId", "Invalid input: expected string, received undefined"],
        ["finished", "Invalid input: expected boolean, received undefined"],
        ["data", "Invalid input: expected record, received undefined"],
      ],
    ],
    [null, [["", "Invalid input: expected object, received null"]]],
    [{ surveyId: "Nope!", finished: true, data: {} }, [["surveyId", "Invalid cuid2"]]],
    [{ surveyId: "a", finished: true, data: { rate: true } }, [["data.rate", "Invalid input"]]],
    [{ surveyId: "a", finished: true, data: { q: "\u0000" } }, [["data.q", "Contains characters that cannot be stored"]]],
    [
      { surveyId: "a", finished: true, data: {}, createdAt: "never" },
      [["createdAt", "Invalid input: expected date, received Date"]],
    ],
    [
      { surveyId: "a", finished: true, data: {}, singleUseId: "x".repeat(256) },
      [["singleUseId", "Too big: expected string to have <=255 characters"]],
    ],
  ])("answers 422 to %j", async (body, details) => {
    expect((await send("post", PATH, JSON.stringify(body)).expect(422)).body).toEqual(problem(422, ...details));
  });

  it("answers 422 to a date that the database does not know", async () => {
    const body = { surveyId: "a", finished: true, data: {}, createdAt: "+200000-01-01T00:00:00.000Z" };
    expect((await send("post", PATH, body).expect(422)).body.error.details).toMatchObject([{ field: "createdAt" }]);
  });
});

describe("GET /api/v2/management/responses", () => {
  it("answers 200 with the responses of all environments that may be read, filtered, page by page", async () => {
    const owner = await buildTenant(server.db);
    const userId = newId();
    const contact = await buildContact(server.db, { environmentId: owner.environmentId, userId });
    const first = await create({ userId }, owner);
    const second = await create({ surveyId: (await buildOwnSurvey({ environmentId: owner.developmentId })).id }, owner);
    const list = async (query = "") => (await send("get", PATH + query, undefined, owner).expect(200)).body;
    expect(await list()).toEqual({ data: [second, first] });
    expect(await list("?order=asc&limit=1")).toEqual({ data: [first] });
    expect(await list(`?surveyId=${second.surveyId}`)).toEqual({ data: [second] });
    expect(await list(`?contactId=${contact.id}`)).toEqual({ data: [first] });
    expect(await list(`?startDate=2999-01-01`)).toEqual({ data: [] });
    expect(await list(`?surveyId=${(await buildOwnSurvey()).id}`)).toEqual({ data: [] });
    expect(await list(`?skip=${Number.MAX_SAFE_INTEGER}`)).toEqual({ data: [] });
  });

  it.each(["limit=1.5", "limit=999", "surveyId=Nope!", "startDate=never"])("answers 422 to ?%s", async (query) => {
    expect((await send("get", `${PATH}?${query}`).expect(422)).body.error.details).toMatchObject([
      { field: query.split("=")[0] },
    ]);
  });

  it("answers 401 to a key without environments", async () => {
    const orgOnly = await buildTenant(server.db, { permission: null });
    expect((await send("get", PATH, undefined, orgOnly).expect(401)).body).toEqual(UNAUTHORIZED);
  });
});

describe("the routes of one response", () => {
  it("GET answers 200, files under whole addresses", async () => {
    const { id: surveyId } = await buildOwnSurvey();
    const path = `/storage/${tenant.environmentId}/private/surveys/${surveyId}/elements/file/x.png`;
    const created = await create({ surveyId, data: { file: [path], why: "see file" } });
    expect(created.data).toEqual({ file: [path], why: "see file" });
    const { body } = await send("get", `${PATH}/${created.id}`).expect(200);
    expect(body).toEqual({ data: { ...created, data: { file: [`${PUBLIC_URL}${path}`], why: "see file" } } });
  });

  it("PUT answers 200 with everything replaced, finished responses too, and tells the outbox each time", async () => {
    const { environmentId } = tenant;
    const contact = await buildContact(server.db, { environmentId, userId: newId() });
    const created = await create({ data: { why: "before", pick: "Red" }, finished: true });
    const display = await server.db.prisma.display.create({ data: { id: newId(), environmentId, surveyId: created.surveyId } });
    const change = { contactId: contact.id, displayId: display.id, contactAttributes: { plan: "pro" }, singleUseId: "s" };
    const body = replacement({ ...change, id: newId(), surveyId: newId() });
    const updated = await send("put", `${PATH}/${created.id}`, body).expect(200);
    const { id, surveyId } = created;
    expect(updated.body).toEqual({ data: { ...replacement(change), language: "de-DE", id, surveyId } });
    expect((await send("get", `${PATH}/${id}`)).body).toEqual(updated.body);
    await send("put", `${PATH}/${id}`, replacement({ finished: false })).expect(200);
    expect(await eventsOf(id)).toEqual([
      "responseCreated",
      "responseFinished",
      "responseUpdated",
      "responseFinished",
      "responseUpdated",
    ]);
  });

  it("PUT answers 404 to a contact or display of elsewhere, 400 to bad answers, 409 to a taken single-use id", async () => {
    const { id, surveyId } = await create();
    const put = (change: Record<string, unknown>) => send("put", `${PATH}/${id}`, replacement(change));
    const foreign = await buildContact(server.db, { environmentId: neighbour.environmentId, userId: newId() });
    for (const contactId of [newId(), foreign.id])
      expect((await put({ contactId }).expect(404)).body).toEqual(problem(404, ["contactId", "not found"]));
    const { environmentId } = tenant;
    const buildDisplay = async (ofSurvey: string) =>
      (await server.db.prisma.display.create({ data: { id: newId(), environmentId, surveyId: ofSurvey } })).id;
    const taken = await buildDisplay(surveyId);
    await create({ surveyId, displayId: taken, singleUseId: "taken" });
    for (const displayId of [newId(), taken, await buildDisplay((await buildOwnSurvey()).id)])
      expect((await put({ displayId }).expect(404)).body).toEqual(problem(404, ["displayId", "not found"]));
    expect((await put({ data: { why: "a" } }).expect(400)).body.error.details).toMatchObject([{ field: "response.data.why" }]);
    expect((await put({ singleUseId: "taken" }).expect(409)).body.error.details).toMatchObject([{ field: "singleUseId" }]);
    await send("put", `${PATH}/${id}`, "{").expect(400);
    expect(await eventsOf(id)).toEqual(["responseCreated"]);
  });

  it("PUT answers 422 with every field that is missing", async () => {
    const { id } = await create();
    const { body } = await send("put", `${PATH}/${id}`, {}).expect(422);
    expect(body.error.details.map(({ field }: { field: string }) => field)).toEqual(Object.keys(replacement()));
  });

  it("DELETE answers 200 with the response that was, and takes its display along", async () => {
    const { id: surveyId } = await buildOwnSurvey();
    const { environmentId } = tenant;
    const display = await server.db.prisma.display.create({ data: { id: newId(), environmentId, surveyId } });
    const created = await create({ surveyId, displayId: display.id });
    expect((await send("delete", `${PATH}/${created.id}`).expect(200)).body).toEqual({ data: created });
    expect(await server.db.prisma.display.count({ where: { id: display.id } })).toBe(0);
    expect((await send("delete", `${PATH}/${created.id}`).expect(404)).body).toEqual(NOT_FOUND);
  });

  it("DELETE deletes the files of the answers that no other response names", async () => {
    const { id: surveyId } = await buildOwnSurvey();
    const keyOfFile = (name: string) => `${tenant.environmentId}/private/surveys/${surveyId}/elements/file/${name}`;
    const isThere = (name: string) => existsSync(join(folder.path, "uploads", keyOfFile(name)));
    const names = ["own file.png", "shared.png"];
    for (const name of names) {
      const path = join(folder.path, "uploads", keyOfFile(name));
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, "x");
    }
    const urlOf = (name: string) => `/storage/${encodeURI(keyOfFile(name))}`;
    const created = await create({ surveyId, data: { file: names.map(urlOf), why: urlOf("shared.png") } });
    const other = await create({ surveyId, data: { file: [urlOf("shared.png")] } });
    await send("delete", `${PATH}/${created.id}`).expect(200);
    expect(names.map(isThere)).toEqual([false, true]);
    await send("delete", `${PATH}/${other.id}`).expect(200);
    expect(names.map(isThere)).toEqual([false, false]);
  });

  it("answer 404 to an unknown id, 422 to what is none, 401 for a neighbour's", async () => {
    const foreign = await create({}, neighbour);
    for (const method of ["get", "put", "delete"] as const) {
      const body = method === "put" ? replacement() : undefined;
      expect((await send(method, `${PATH}/${newId()}`, body).expect(404)).body).toEqual(NOT_FOUND);
      expect((await send(method, `${PATH}/Nope!`, body).expect(422)).body).toEqual(problem(422, ["responseId", "Invalid cuid2"]));
      expect((await send(method, `${PATH}/${foreign.id}`, body).expect(401)).body).toEqual(UNAUTHORIZED);
    }
  });

  it("need read to be read, write to be made and changed, manage to be deleted", async () => {
    const { id, surveyId } = await create();
    const [read, write, manage] = [await keyOf("read"), await keyOf("write"), await keyOf("manage")];
    const body = { surveyId, finished: false, data: {} };
    await send("post", PATH, body, read).expect(401);
    await send("post", PATH, body, write).expect(201);
    await send("get", `${PATH}/${id}`, undefined, read).expect(200);
    await send("put", `${PATH}/${id}`, replacement(), read).expect(401);
    await send("put", `${PATH}/${id}`, replacement(), write).expect(200);
    await send("delete", `${PATH}/${id}`, undefined, write).expect(401);
    await send("delete", `${PATH}/${id}`, undefined, manage).expect(200);
  });
});
