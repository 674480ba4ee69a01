import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { newId } from "../../../../src/shared/ids.ts";
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

const PATH = "/api/v2/management/tags";
const RESPONSES = "/api/v2/management/responses";
const ISO = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
const ID = expect.stringMatching(/^c[a-z0-9]{24}$/);
const UNAUTHORIZED = { error: { code: 401, message: "Unauthorized" } };
const FORBIDDEN = { error: { code: 403, message: "Forbidden" } };
const MESSAGES: Record<number, string> = { 400: "Bad Request", 404: "Not Found", 409: "Conflict", 422: "Unprocessable Entity" };
const problem = (code: number, field: string, issue: string) => ({
  error: { code, message: MESSAGES[code], details: [{ field, issue }] },
});
const TAKEN = problem(409, "name", "A tag with this name already exists");
const NOT_FOUND = problem(404, "tag", "not found");

type Method = "get" | "post" | "put" | "patch" | "delete";
const send = (method: Method, path: string, { apiKey }: { apiKey: string } = tenant, body?: unknown) => {
  const request = server.request[method](path).set("x-api-key", apiKey);
  return body === undefined ? request : request.send(typeof body === "string" ? body : JSON.stringify(body));
};

interface Tag {
  id: string;
  name: string;
}
const create = async (name: string = `Tag ${newId()}`, owner: Tenant = tenant): Promise<Tag> =>
  (await send("post", PATH, owner, { environmentId: owner.environmentId, name }).expect(201)).body.data;
const keyOf = async (permission: "read" | "write") => ({
  apiKey: await buildApiKey(server.db, { ...tenant, permissions: { [tenant.environmentId]: permission } }),
});
async function respond({ environmentId }: Tenant = tenant): Promise<string> {
  const { id: surveyId } = await buildSurvey(server.db, { environmentId, type: "link" });
  const id = newId();
  await server.db.prisma.response.create({ data: { id, environmentId, surveyId, finished: true, data: {} } });
  return id;
}
const put = (responseId: string, { id }: Tag, owner: { apiKey: string } = tenant) =>
  send("put", `${RESPONSES}/${responseId}/tags/${id}`, owner);
const tagsOf = async (responseId: string): Promise<string[]> =>
  (await send("get", `${RESPONSES}/${responseId}/tags`).expect(200)).body.data.map(({ name }: Tag) => name);

describe("POST /api/v2/management/tags", () => {
  it("answers 201 with the tag under both names of its environment", async () => {
    const { environmentId } = tenant;
    const response = await send("post", PATH, tenant, { workspaceId: environmentId, name: " Follow up " }).expect(201);
    expect(response.body).toEqual({
      data: { id: ID, createdAt: ISO, updatedAt: ISO, name: "Follow up", workspaceId: environmentId, environmentId },
    });
  });

  it("answers 409 to a name that the environment has, and takes one that another has", async () => {
    const { name } = await create();
    const body = { environmentId: tenant.environmentId, name };
    expect((await send("post", PATH, tenant, body).expect(409)).body).toEqual(TAKEN);
    await create(name, neighbour);
  });

  it.each<[Record<string, unknown>, string]>([
    [{}, "name"],
    [{ name: " " }, "name"],
    [{ name: "x".repeat(256) }, "name"],
    [{ name: "a\u0000" }, "name"],
  ])("answers 422 to %j", async (body, field) => {
    const response = await send("post", PATH, tenant, { environmentId: tenant.environmentId, ...body }).expect(422);
    expect(response.body.error.details).toMatchObject([{ field }]);
  });

  it("answers 400 to no JSON and without an environment, 404 to an unknown one, 403 to who may not write there", async () => {
    await send("post", PATH, tenant, "{").expect(400);
    expect((await send("post", PATH, tenant, { name: "x" }).expect(400)).body).toEqual(
      problem(400, "workspaceId", "workspaceId must be provided"),
    );
    expect((await send("post", PATH, tenant, { environmentId: newId(), name: "x" }).expect(404)).body).toEqual(
      problem(404, "workspaceId", "workspace not found"),
    );
    const body = { environmentId: tenant.environmentId, name: "x" };
    expect((await send("post", PATH, await keyOf("read"), body).expect(403)).body).toEqual(FORBIDDEN);
    expect((await send("post", PATH, neighbour, body).expect(403)).body).toEqual(FORBIDDEN);
  });

  it("has its effect once under an Idempotency-Key, and is noted in the audit log", async () => {
    const owner = await buildTenant(server.db);
    const body = { environmentId: owner.environmentId, name: "Confidential" };
    const post = () => send("post", PATH, owner, body).set("idempotency-key", "once");
    const [first, second] = [await post().expect(201), await post().expect(201)];
    expect(second.body).toEqual(first.body);
    expect((await send("post", PATH, owner, body).set("idempotency-key", "twice").expect(409)).body).toEqual(TAKEN);
    const log = await send("get", `/api/v2/organizations/${owner.organizationId}/audit-log`, owner).expect(200);
    const { id } = first.body.data;
    expect(log.body.data).toMatchObject([{ operation: "createTag", action: "created", targetType: "tag", targetId: id }]);
    expect(log.text).not.toContain("Confidential");
  });
});

describe("GET /api/v2/management/tags", () => {
  it("answers 200 with those of the environments that the key may read, page by page", async () => {
    const owner = await buildTenant(server.db);
    const [first, second] = [await create("A", owner), await create("B", owner)];
    expect((await send("get", `${PATH}?limit=1`, owner).expect(200)).body).toEqual({
      data: [second],
      meta: { total: 2, limit: 1, offset: 0 },
    });
    expect((await send("get", `${PATH}?workspaceId=${owner.environmentId}&order=asc`, owner).expect(200)).body.data).toEqual([
      first,
      second,
    ]);
    expect((await send("get", `${PATH}?environmentId=${owner.developmentId}`, owner).expect(200)).body.data).toEqual([]);
    await send("get", `${PATH}?limit=0`, owner).expect(422);
  });

  it("answers 401 to a neighbour's environment and without a key", async () => {
    expect((await send("get", `${PATH}?workspaceId=${neighbour.environmentId}`).expect(401)).body).toEqual(UNAUTHORIZED);
    await server.request.get(PATH).expect(401);
  });
});

describe("/api/v2/management/tags/{tagId}", () => {
  it("GET answers 200, 404 to an unknown one, 422 to what is no id and 401 to a neighbour", async () => {
    const tag = await create();
    expect((await send("get", `${PATH}/${tag.id}`).expect(200)).body).toEqual({ data: tag });
    expect((await send("get", `${PATH}/${newId()}`).expect(404)).body).toEqual(NOT_FOUND);
    expect((await send("get", `${PATH}/A-1`).expect(422)).body).toEqual(problem(422, "tagId", "Invalid cuid2"));
    expect((await send("get", `${PATH}/${tag.id}`, neighbour).expect(401)).body).toEqual(UNAUTHORIZED);
  });

  it("PATCH answers 200 with the new name, also with the old one, and 409 to another tag's", async () => {
    const [tag, other] = [await create(), await create()];
    const at = `${PATH}/${tag.id}`;
    const name = `Renamed ${newId()}`;
    for (let time = 0; time < 2; time++)
      expect((await send("patch", at, tenant, { name }).expect(200)).body.data).toEqual({ ...tag, name, updatedAt: ISO });
    expect((await send("patch", at, tenant, { name: other.name }).expect(409)).body).toEqual(TAKEN);
  });

  it("PATCH answers 400 to no JSON, 422 without a name, 404 and 401", async () => {
    const at = `${PATH}/${(await create()).id}`;
    await send("patch", at, tenant, "{").expect(400);
    await send("patch", at, tenant, {}).expect(422);
    await send("patch", at, tenant, { name: "x", color: "red" }).expect(422);
    await send("patch", `${PATH}/${newId()}`, tenant, { name: "x" }).expect(404);
    await send("patch", at, await keyOf("read"), { name: "x" }).expect(401);
    await send("patch", at, neighbour, { name: "x" }).expect(401);
  });

  it("DELETE answers 200 with what it was, takes it off responses, and answers 404 from then on", async () => {
    const [tag, responseId] = [await create(), await respond()];
    await put(responseId, tag).expect(200);
    expect((await send("delete", `${PATH}/${tag.id}`).expect(200)).body).toEqual({ data: tag });
    expect(await tagsOf(responseId)).toEqual([]);
    expect((await send("delete", `${PATH}/${tag.id}`).expect(404)).body).toEqual(NOT_FOUND);
  });

  it("DELETE answers 401 to a key that may only write, and to a neighbour", async () => {
    const tag = await create();
    await send("delete", `${PATH}/${tag.id}`, await keyOf("write")).expect(401);
    await send("delete", `${PATH}/${tag.id}`, neighbour).expect(401);
  });
});

describe("POST /api/v2/management/tags/{tagId}/merge", () => {
  const merge = (tag: Tag, from: unknown, owner: { apiKey: string } = tenant) =>
    send("post", `${PATH}/${tag.id}/merge`, owner, { from });

  it("answers 200; the responses of the other one have this one, each once", async () => {
    const [tag, from] = [await create("Bug"), await create("Bugs")];
    const [both, one] = [await respond(), await respond()];
    await put(both, tag).expect(200);
    for (const responseId of [both, one]) await put(responseId, from).expect(200);
    expect((await merge(tag, from.id).expect(200)).body).toEqual({ data: { ...tag, updatedAt: ISO } });
    expect([await tagsOf(both), await tagsOf(one)]).toEqual([["Bug"], ["Bug"]]);
    await send("get", `${PATH}/${from.id}`).expect(404);
  });

  it("answers 404 to an unknown tag, and to one of another environment, which stays", async () => {
    const [tag, theirs] = [await create(), await create(undefined, neighbour)];
    expect((await merge(tag, newId()).expect(404)).body).toEqual(NOT_FOUND);
    expect((await merge(tag, theirs.id).expect(404)).body).toEqual(NOT_FOUND);
    await merge({ ...tag, id: newId() }, tag.id).expect(404);
    await send("get", `${PATH}/${theirs.id}`, neighbour).expect(200);
  });

  it("answers 422 to the tag itself and to what is no id, 400 to no JSON", async () => {
    const tag = await create();
    expect((await merge(tag, tag.id).expect(422)).body).toEqual(problem(422, "from", "A tag cannot be merged with itself"));
    await merge(tag, "A-1").expect(422);
    await send("post", `${PATH}/${tag.id}/merge`, tenant, "{").expect(400);
  });

  it("answers two opposite merges at the same time with one 200 and one 404", async () => {
    const [one, other] = [await create(), await create()];
    const answers = await Promise.all([merge(one, other.id), merge(other, one.id)]);
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 404]);
  });

  it("has its effect once under an Idempotency-Key, and answers as the first time", async () => {
    const [tag, from] = [await create(), await create()];
    const post = () => merge(tag, from.id).set("idempotency-key", tag.id);
    const [first, second] = [await post().expect(200), await post().expect(200)];
    expect(second.body).toEqual(first.body);
  });

  it("answers 401 to a key that may only read, and to a neighbour", async () => {
    const [tag, from] = [await create(), await create()];
    expect((await merge(tag, from.id, await keyOf("read")).expect(401)).body).toEqual(UNAUTHORIZED);
    await merge(tag, from.id, neighbour).expect(401);
    await send("get", `${PATH}/${from.id}`).expect(200);
  });
});

describe("/api/v2/management/responses/{responseId}/tags", () => {
  it("PUT answers 200 with all tags of the response by name, also the second time", async () => {
    const [late, early, responseId] = [await create("z"), await create("a"), await respond()];
    expect((await put(responseId, late).expect(200)).body).toEqual({ data: [late] });
    for (let time = 0; time < 2; time++) expect((await put(responseId, early).expect(200)).body).toEqual({ data: [early, late] });
    expect((await send("get", `${RESPONSES}/${responseId}/tags`).expect(200)).body).toEqual({ data: [early, late] });
    const shown = await send("get", `/api/v1/management/responses/${responseId}`).expect(200);
    expect(shown.body.data.tags.map(({ name }: Tag) => name).sort()).toEqual(["a", "z"]);
  });

  it("DELETE answers 200 with those that are left, and 404 to one that the response has not", async () => {
    const [tag, other, responseId] = [await create(), await create(), await respond()];
    for (const each of [tag, other]) await put(responseId, each).expect(200);
    const at = `${RESPONSES}/${responseId}/tags/${tag.id}`;
    expect((await send("delete", at).expect(200)).body).toEqual({ data: [other] });
    expect((await send("delete", at).expect(404)).body).toEqual(NOT_FOUND);
  });

  it("is noted in the audit log as a change of the response", async () => {
    const owner = await buildTenant(server.db);
    const [tag, responseId] = [await create("Confidential", owner), await respond(owner)];
    await put(responseId, tag, owner).expect(200);
    await send("delete", `${RESPONSES}/${responseId}/tags/${tag.id}`, owner).expect(200);
    const path = `/api/v2/organizations/${owner.organizationId}/audit-log?targetId=${responseId}`;
    expect((await send("get", path, owner).expect(200)).body.data).toMatchObject([
      { operation: "removeResponseTag", changedFields: ["tags"], before: { responseId, tagId: tag.id }, after: null },
      { operation: "addResponseTag", changedFields: ["tags"], before: null, after: { responseId, tagId: tag.id } },
    ]);
  });

  it("answers 404 to an unknown response or tag, and to a tag of another environment", async () => {
    const [tag, theirs, responseId] = [await create(), await create(undefined, neighbour), await respond()];
    const noResponse = problem(404, "response", "not found");
    expect((await put(newId(), tag).expect(404)).body).toEqual(noResponse);
    expect((await send("get", `${RESPONSES}/${newId()}/tags`).expect(404)).body).toEqual(noResponse);
    expect((await send("delete", `${RESPONSES}/${newId()}/tags/${tag.id}`).expect(404)).body).toEqual(noResponse);
    for (const id of [newId(), theirs.id]) expect((await put(responseId, { ...tag, id }).expect(404)).body).toEqual(NOT_FOUND);
    await put(responseId, { ...tag, id: "A-1" }).expect(422);
    await send("get", `${RESPONSES}/A-1/tags`).expect(422);
    await send("delete", `${RESPONSES}/A-1/tags/${tag.id}`).expect(422);
  });

  it("answers 401 to who may not read or write the response, and takes nothing off", async () => {
    const [tag, responseId] = [await create(), await respond()];
    await put(responseId, tag).expect(200);
    const reader = await keyOf("read");
    const at = `${RESPONSES}/${responseId}/tags`;
    for (const caller of [reader, neighbour]) {
      await send("put", `${at}/${tag.id}`, caller).expect(401);
      expect((await send("delete", `${at}/${tag.id}`, caller).expect(401)).body).toEqual(UNAUTHORIZED);
    }
    await send("get", at, neighbour).expect(401);
    expect((await send("get", at, reader).expect(200)).body).toEqual({ data: [tag] });
  });
});
