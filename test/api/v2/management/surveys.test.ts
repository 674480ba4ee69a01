import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { newId } from "../../../../src/shared/ids.ts";
import type { PermissionLevel } from "../../../../src/shared/principal.ts";
import { buildApiKey, buildSurvey, buildTenant, type Tenant } from "../../../support/build.ts";
import { startTestServer, type TestServer } from "../../../support/server.ts";

let server: TestServer;
let tenant: Tenant;
let neighbour: Tenant;
beforeAll(async () => {
  server = await startTestServer();
  [tenant, neighbour] = [await buildTenant(server.db), await buildTenant(server.db)];
});
afterAll(() => server.close());

const PATH = "/api/v2/management/surveys";
const ISO = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
const ID = expect.stringMatching(/^c[a-z0-9]{24}$/);
const MESSAGES: Record<number, string> = { 400: "Bad Request", 404: "Not Found", 409: "Conflict", 422: "Unprocessable Entity" };
const problem = (code: number, field: string, issue: string) => ({
  error: { code, message: MESSAGES[code], details: [{ field, issue }] },
});
const UNAUTHORIZED = { error: { code: 401, message: "Unauthorized" } };
const FORBIDDEN = { error: { code: 403, message: "Forbidden" } };
const NOT_FOUND = problem(404, "survey", "not found");

const QUESTION = { id: "q1", type: "openText", headline: { default: "Hi?" }, required: true };
const LINK = { name: "Pulse", type: "link", questions: [QUESTION] };

type Method = "get" | "post" | "put" | "delete";
type Caller = Pick<Tenant, "apiKey">;
const send = (method: Method, path: string, body?: unknown, { apiKey }: Caller = tenant) => {
  const request = server.request[method](`${PATH}${path}`).set("x-api-key", apiKey);
  return body === undefined ? request : request.send(typeof body === "string" ? body : JSON.stringify(body));
};
interface Shown {
  id: string;
  name: string;
  updatedAt: string;
  segment: { id: string } | null;
  [member: string]: unknown;
}
const create = async (body: object = {}, owner: Tenant = tenant): Promise<Shown> =>
  (await send("post", "", { environmentId: owner.environmentId, ...LINK, ...body }, owner).expect(201)).body.data;
const keyWith = async (level: PermissionLevel): Promise<Caller> => ({
  apiKey: await buildApiKey(server.db, {
    organizationId: tenant.organizationId,
    permissions: { [tenant.environmentId]: level },
  }),
});

describe("POST /api/v2/management/surveys", () => {
  it.each(["workspaceId", "environmentId"])(
    "answers 201 with the survey in both generations, its owner named by %s",
    async (name) => {
      const { environmentId } = tenant;
      const response = await send("post", "", { [name]: environmentId, ...LINK }).expect(201);
      expect(Object.keys(response.body)).toEqual(["data"]);
      expect(response.body.data).toMatchObject({
        id: ID,
        createdAt: ISO,
        updatedAt: ISO,
        name: "Pulse",
        type: "link",
        status: "draft",
        workspaceId: environmentId,
        environmentId,
        questions: [{ id: "q1", type: "openText" }],
        blocks: [{ elements: [{ id: "q1" }] }],
        segment: null,
        triggers: [],
      });
    },
  );

  it("shows what v1 shows of it, and gives an app's survey its segment and triggers", async () => {
    const { environmentId } = tenant;
    const actionClass = await server.request
      .post("/api/v1/management/action-classes")
      .set("x-api-key", tenant.apiKey)
      .send({ environmentId, name: newId(), type: "code", key: newId() })
      .expect(200);
    const survey = await create({ type: "app", triggers: [{ actionClass: { id: actionClass.body.data.id } }] });
    expect(survey.segment).toMatchObject({ isPrivate: true, surveys: [survey.id] });
    expect(survey.triggers).toEqual([{ actionClass: { ...actionClass.body.data, workspaceId: environmentId, environmentId } }]);
    const v1 = await server.request.get(`/api/v1/management/surveys/${survey.id}`).set("x-api-key", tenant.apiKey).expect(200);
    expect(v1.body.data).toEqual(survey);
  });

  it.each<[string, object, string]>([
    ["no name", { name: undefined }, "name"],
    ["an unknown type", { type: "paper" }, "type"],
    ["a question without a headline", { questions: [{ id: "q1", type: "openText", required: true }] }, "questions.0"],
  ])("answers 422 to %s", async (_, body, field) => {
    const response = await send("post", "", { environmentId: tenant.environmentId, ...LINK, ...body }).expect(422);
    expect(response.body.error.details).toEqual(expect.arrayContaining([expect.objectContaining({ field })]));
  });

  it("answers 422 to what is neither questions nor blocks, and to a trigger of elsewhere", async () => {
    const { environmentId } = tenant;
    const response = await send("post", "", { environmentId, name: "Empty" }).expect(422);
    expect(response.body.error.details).toHaveLength(1);
    const triggers = [{ actionClass: { id: newId() } }];
    const other = await send("post", "", { environmentId, ...LINK, type: "app", triggers }).expect(422);
    expect(other.body).toEqual(problem(422, "error", "Invalid trigger id"));
  });

  it("answers 400 without an environment or JSON, 404 to an unknown environment, 403 to a neighbour's and to a reader", async () => {
    expect((await send("post", "", LINK).expect(400)).body).toEqual(problem(400, "workspaceId", "workspaceId must be provided"));
    await send("post", "", "{").expect(400);
    const unknown = await send("post", "", { environmentId: newId(), ...LINK }).expect(404);
    expect(unknown.body).toEqual(problem(404, "workspaceId", "workspace not found"));
    const foreign = await send("post", "", { environmentId: neighbour.environmentId, ...LINK }).expect(403);
    expect(foreign.body).toEqual(FORBIDDEN);
    await send("post", "", { environmentId: tenant.environmentId, ...LINK }, await keyWith("read")).expect(403);
    await send("post", "", { environmentId: tenant.environmentId, ...LINK }, await keyWith("write")).expect(201);
  });

  it("answers 409 to a slug that another survey has", async () => {
    const slug = newId();
    await create({ slug });
    const response = await send("post", "", { environmentId: tenant.environmentId, ...LINK, slug }).expect(409);
    expect(response.body).toEqual(problem(409, "error", `Survey with slug ${slug} already exists`));
  });
});

describe("GET /api/v2/management/surveys", () => {
  it("answers 200 with those of every environment the key may read, newest first, page by page", async () => {
    const owner = await buildTenant(server.db);
    const first = await create({}, owner);
    const second = await create({ environmentId: owner.developmentId }, owner);
    const all = await send("get", "", undefined, owner).expect(200);
    expect(all.body).toEqual({ data: [second, first], meta: { total: 2, limit: 50, offset: 0 } });
    const page = await send("get", "?limit=1&skip=1", undefined, owner).expect(200);
    expect(page.body).toEqual({ data: [first], meta: { total: 2, limit: 1, offset: 1 } });
    const oldest = await send("get", "?sortBy=updatedAt&order=asc", undefined, owner).expect(200);
    expect(oldest.body.data).toEqual([first, second]);
  });

  it("narrows by environment, type, status, name, time and whether it is archived", async () => {
    const owner = await buildTenant(server.db);
    const { environmentId, developmentId } = owner;
    const app = await create({ type: "app", name: "Checkout 100%" }, owner);
    const link = await create({ environmentId: developmentId, status: "paused" }, owner);
    const archived = await buildSurvey(server.db, { environmentId });
    await server.db.prisma.survey.updateMany({ where: { id: archived.id }, data: { archivedAt: new Date() } });
    const found = async (query: string): Promise<string[]> =>
      (await send("get", `?${query}`, undefined, owner).expect(200)).body.data.map(({ id }: Shown) => id);
    expect(await found(`environmentId=${environmentId}`)).toEqual([app.id]);
    expect(await found(`workspaceId=${developmentId}`)).toEqual([link.id]);
    expect(await found("type=link")).toEqual([link.id]);
    expect(await found("status=paused")).toEqual([link.id]);
    expect(await found("name=CHECK")).toEqual([app.id]);
    expect(await found("name=0%25")).toEqual([app.id]);
    expect(await found("name=_")).toEqual([]);
    expect(await found("archived=true")).toEqual([archived.id]);
    expect(await found("endDate=2001-01-01")).toEqual([]);
    expect(await found("type=app&status=paused")).toEqual([]);
  });

  it.each(["type=paper", "status=gone", "archived=1", "limit=251", "sortBy=name", "name=%00"])(
    "answers 422 to ?%s",
    async (query) => {
      const response = await send("get", `?${query}`).expect(422);
      expect(response.body.error.details).toMatchObject([{ field: query.split("=")[0] }]);
    },
  );

  it("answers 401 to a neighbour's environment, to no key and to one without environments", async () => {
    expect((await send("get", `?environmentId=${neighbour.environmentId}`).expect(401)).body).toEqual(UNAUTHORIZED);
    await server.request.get(PATH).expect(401);
    await send("get", "", undefined, await buildTenant(server.db, { permission: null })).expect(401);
  });
});

describe("/api/v2/management/surveys/{surveyId}", () => {
  it("GET answers 200 with the survey", async () => {
    const survey = await create();
    expect((await send("get", `/${survey.id}`).expect(200)).body).toEqual({ data: survey });
    await send("get", `/${survey.id}`, undefined, await keyWith("read")).expect(200);
  });

  it("PUT answers 200 with what was changed; the rest stays", async () => {
    const survey = await create({ autoClose: 10 });
    const response = await send("put", `/${survey.id}`, { name: "Pulse 2", status: "inProgress" }).expect(200);
    expect(response.body.data).toEqual({ ...survey, name: "Pulse 2", status: "inProgress", updatedAt: ISO });
  });

  it("PUT takes back what was read, as it is", async () => {
    const survey = await create({ type: "app" });
    const response = await send("put", `/${survey.id}`, survey).expect(200);
    expect(response.body.data).toEqual({ ...survey, updatedAt: ISO });
  });

  it("PUT answers 422 to a bad value, 400 to what is no JSON, 409 to a taken slug", async () => {
    const [{ id }, slug] = [await create(), newId()];
    await create({ slug });
    const response = await send("put", `/${id}`, { status: "gone" }).expect(422);
    expect(response.body.error.details).toMatchObject([{ field: "status" }]);
    await send("put", `/${id}`, "{").expect(400);
    await send("put", `/${id}`, "null").expect(422);
    await send("put", `/${id}`, { slug }).expect(409);
  });

  it("DELETE answers 200 with what it was, and takes its private segment along", async () => {
    const survey = await create({ type: "app" });
    expect((await send("delete", `/${survey.id}`).expect(200)).body).toEqual({ data: survey });
    await send("get", `/${survey.id}`).expect(404);
    expect(await server.db.prisma.segment.count({ where: { id: survey.segment?.id ?? "" } })).toBe(0);
  });

  it.each<[Method, PermissionLevel | null, PermissionLevel]>([
    ["get", null, "read"],
    ["put", "read", "write"],
    ["delete", "write", "manage"],
  ])("%s answers 401 to a key with %s, and needs %s", async (method, less, enough) => {
    const { id } = await create();
    const body = method === "put" ? { name: "New" } : undefined;
    if (less) expect((await send(method, `/${id}`, body, await keyWith(less)).expect(401)).body).toEqual(UNAUTHORIZED);
    await send(method, `/${id}`, body, neighbour).expect(401);
    await send(method, `/${id}`, body, await keyWith(enough)).expect(200);
  });

  it.each<Method>(["get", "put", "delete"])("%s answers 404 to an unknown id and 422 to what is none", async (method) => {
    const body = method === "put" ? { name: "New" } : undefined;
    expect((await send(method, `/${newId()}`, body).expect(404)).body).toEqual(NOT_FOUND);
    await send(method, "/A-1", body).expect(422);
  });
});
