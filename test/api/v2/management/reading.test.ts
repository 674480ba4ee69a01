/** Contacts, companies and events as an administrator looks them up. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { validateFilters } from "../../../../src/segments/service.ts";
import { newId } from "../../../../src/shared/ids.ts";
import { buildApiKey, buildContact, buildSurvey, buildTenant, type Tenant } from "../../../support/build.ts";
import { startTestServer, type TestServer } from "../../../support/server.ts";

let server: TestServer;
let tenant: Tenant;
let neighbour: Tenant;
beforeAll(async () => {
  server = await startTestServer();
  [tenant, neighbour] = [await buildTenant(server.db), await buildTenant(server.db)];
});
afterAll(() => server.close());

const ISO = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
const UNAUTHORIZED = { error: { code: 401, message: "Unauthorized" } };
const unprocessable = (field: string, issue: string) => ({
  error: { code: 422, message: "Unprocessable Entity", details: [{ field, issue }] },
});
const get = (path: string, { apiKey }: Pick<Tenant, "apiKey"> = tenant) =>
  server.request.get(`/api/v2/management${path}`).set("x-api-key", apiKey);
const idsOf = ({ body }: { body: { data: { id: string }[] } }) => body.data.map(({ id }) => id);
const keyWithout = async () => ({ apiKey: await buildApiKey(server.db, { ...tenant, permissions: {} }) });

async function buildSegment(environmentId: string, filters: object[], surveyIds: string[] = []): Promise<string> {
  const id = newId();
  const valid = validateFilters(filters, { segmentId: null, surveyIds: new Set(surveyIds), segments: [] });
  await server.db.prisma.segment.create({ data: { environmentId, id, title: id, filters: JSON.parse(JSON.stringify(valid)) } });
  server.services.environments.forget(environmentId);
  return id;
}
const leaf = (root: object, operator: string, value?: unknown) => ({
  id: newId(),
  connector: null,
  resource: { id: newId(), root, qualifier: { operator }, ...(value !== undefined && { value }) },
});
const isOnPlan = (plan: string) => leaf({ type: "attribute", contactAttributeKey: "plan" }, "equals", plan);

async function buildCompany(environmentId: string, companyId: string): Promise<string> {
  const id = newId();
  await server.db.prisma.company.create({ data: { environmentId, id, companyId, attributes: { seats: 4 } } });
  return id;
}

/** Follows the cursors to the end; how many pages there were is told, too. */
async function readAll(path: string, owner: Tenant): Promise<{ ids: string[]; pages: number }> {
  const ids: string[] = [];
  let pages = 0;
  let cursor = "";
  do {
    const { body } = await get(`${path}${cursor && `&cursor=${cursor}`}`, owner).expect(200);
    ids.push(...idsOf({ body }));
    cursor = body.meta.nextCursor ?? "";
    pages++;
  } while (cursor !== "");
  return { ids, pages };
}

describe("GET /api/v2/management/contacts", () => {
  it("answers 200 with each contact's company and the segments that identify finds it in", async () => {
    const { environmentId } = tenant;
    const [userId, companyId] = [newId(), newId()];
    const ours = await buildCompany(environmentId, companyId);
    const [pro, free, acme, seen] = await Promise.all([
      buildSegment(environmentId, [isOnPlan("pro")]),
      buildSegment(environmentId, [isOnPlan("free")]),
      buildSegment(environmentId, [leaf({ type: "attribute", contactAttributeKey: "company.id" }, "equals", companyId)]),
      buildSegment(environmentId, [leaf({ type: "event", eventName: "Saw" }, "performed", { atLeast: 2 })]),
    ]);
    const { id } = await buildContact(server.db, { environmentId, userId, attributes: { plan: "pro" } });
    await server.db.prisma.contact.update({ where: { environmentId_id: { environmentId, id } }, data: { companyId: ours } });
    const event = { environmentId, contactId: id, name: "Saw", source: "test", properties: {} };
    await server.db.prisma.event.createMany({ data: [1, 2].map(() => ({ ...event, id: newId(), occurredAt: new Date() })) });

    const { body } = await get(`/contacts?userId=${userId}`).expect(200);
    const identified = await server.request.post(`/api/v2/client/${environmentId}/user`).send({ userId }).expect(200);
    const expected = identified.body.data.state.data.segments;
    expect([...expected].sort()).toEqual([pro, acme, seen].sort());
    expect(expected).not.toContain(free);
    expect(body).toEqual({
      data: [
        {
          id,
          createdAt: ISO,
          updatedAt: ISO,
          firstSeenAt: ISO,
          lastSeenAt: ISO,
          userId,
          email: null,
          attributes: { plan: "pro" },
          company: { id: ours, companyId, attributes: { seats: 4 } },
          segments: expected,
          workspaceId: environmentId,
          environmentId,
        },
      ],
      meta: { total: 1, totalIsEstimate: false, limit: 50, offset: 0, nextCursor: null },
    });
    expect((await get(`/contacts/${id}`).expect(200)).body).toEqual({ data: body.data[0] });
    expect(idsOf(await get(`/contacts?companyId=${companyId}`).expect(200))).toEqual([id]);
    expect(idsOf(await get(`/contacts?companyId=${newId()}`).expect(200))).toEqual([]);
    expect(idsOf(await get(`/contacts?segmentId=${pro}&userId=${userId}`).expect(200))).toEqual([id]);
    expect(idsOf(await get(`/contacts?segmentId=${free}`).expect(200))).toEqual([]);
  });

  it("tells a segment about displays and responses as identify does", async () => {
    const owner = await buildTenant(server.db);
    const { environmentId } = owner;
    const userId = newId();
    const survey = await buildSurvey(server.db, { environmentId });
    const { id } = await buildContact(server.db, { environmentId, userId });
    const answered = { environmentId, surveyId: survey.id, contactId: id, data: {} };
    const long = new Date(Date.now() - 60 * 86_400_000);
    await server.db.prisma.response.createMany({
      data: [
        { ...answered, id: newId(), finished: false },
        { ...answered, id: newId(), finished: true, createdAt: long },
      ],
    });
    const ids: Record<string, string> = {};
    for (const operator of ["haveSeen", "haveNotSeen", "haveStartedRespondingTo", "haveCompleted", "haveNotCompleted"])
      ids[operator] = await buildSegment(
        environmentId,
        [
          leaf({ type: "surveyInteraction" }, operator, {
            surveyScope: "specific",
            surveyIds: [survey.id],
            within: { amount: 1, unit: "weeks" },
          }),
        ],
        [survey.id],
      );
    const identified = await server.request.post(`/api/v2/client/${environmentId}/user`).send({ userId }).expect(200);
    const { body } = await get(`/contacts/${id}`, owner).expect(200);
    expect(body.data.segments).toEqual(identified.body.data.state.data.segments);
    expect(body.data.segments).toEqual([ids.haveNotSeen, ids.haveStartedRespondingTo, ids.haveNotCompleted]);
  });

  it("finds how user ids and addresses begin, in either case, and takes % and _ as they are", async () => {
    const owner = await buildTenant(server.db);
    const { environmentId } = owner;
    const build = (contact: { userId?: string; email?: string }) => buildContact(server.db, { environmentId, ...contact });
    const [jane, june, percent] = [
      await build({ userId: "Jane-1", email: "x1@example.com" }),
      await build({ userId: "u-2", email: "JANE@example.com" }),
      await build({ userId: "50%_off" }),
    ];
    await build({ userId: "a-jane" });
    const search = async (text: string) => idsOf(await get(`/contacts?search=${encodeURIComponent(text)}`, owner).expect(200));
    expect(await search("jAnE")).toEqual([june.id, jane.id]);
    expect(await search("50%_")).toEqual([percent.id]);
    expect(await search("%")).toEqual([]);
  });

  it("is read to its end by cursor, in either order and over several environments, nothing missed or repeated", async () => {
    const owner = await buildTenant(server.db);
    const at = new Date("2026-01-01T00:00:00.000Z");
    const data = Array.from({ length: 23 }, (_, index) => ({
      id: newId(),
      environmentId: index % 3 === 0 ? owner.developmentId : owner.environmentId,
      createdAt: new Date(at.getTime() + Math.floor(index / 7) * 1_000),
    }));
    await server.db.prisma.contact.createMany({ data });
    const sorted = [...data].sort((a, b) => a.createdAt.getTime() - b.createdAt.getTime() || (a.id < b.id ? -1 : 1));
    const ids = sorted.map(({ id }) => id);
    expect(await readAll("/contacts?limit=5&order=asc", owner)).toEqual({ ids, pages: 5 });
    expect(await readAll("/contacts?limit=23", owner)).toEqual({ ids: [...ids].reverse(), pages: 1 });
    expect(idsOf(await get("/contacts?limit=4&skip=7&order=asc", owner).expect(200))).toEqual(ids.slice(7, 11));
    const until = "endDate=2026-01-01T00:00:01.000Z&order=asc";
    expect((await get(`/contacts?${until}`, owner).expect(200)).body.meta.total).toBe(14);
    expect(await readAll(`/contacts?limit=6&${until}`, owner)).toEqual({ ids: ids.slice(0, 14), pages: 3 });
  });

  it("says that the number of very many is an estimate", async () => {
    const owner = await buildTenant(server.db);
    await server.db.query(
      `insert into contacts ("environmentId", id, "updatedAt") select $1, 'cmany' || n, now() from generate_series(1, 10100) n`,
      [owner.environmentId],
    );
    await server.db.query("analyze contacts");
    const { meta } = (await get("/contacts?limit=1", owner).expect(200)).body;
    expect(meta).toMatchObject({ totalIsEstimate: true, limit: 1 });
    expect(meta.total).toBeGreaterThan(10_000);
  });

  it("answers 422 to parameters it does not have, and to cursors that are of another list or none", async () => {
    const owner = await buildTenant(server.db);
    for (const userId of ["a", "b"]) await buildContact(server.db, { environmentId: owner.environmentId, userId });
    const { nextCursor } = (await get("/contacts?limit=1", owner).expect(200)).body.meta;
    const refusals: [query: string, field: string, issue: string][] = [
      ["plan=pro", "", 'Unrecognized key: "plan"'],
      ["cursor=nonsense", "cursor", "Not a cursor of this list"],
      [`cursor=${nextCursor}&order=asc`, "cursor", "The cursor belongs to a list in another order"],
      [`cursor=${nextCursor}&skip=1`, "skip", "A page that follows a cursor cannot skip rows"],
      ["segmentId=A!", "segmentId", "Invalid cuid2"],
      ["startDate=2026-02-01&endDate=2026-01-01", "", "startDate must be before endDate"],
    ];
    for (const [query, field, issue] of refusals)
      expect((await get(`/contacts?${query}`, owner).expect(422)).body).toEqual(unprocessable(field, issue));
    await get("/contacts?limit=251", owner).expect(422);
  });

  it("answers 401 for a neighbour's environment and segment, 404 for a segment that is not there", async () => {
    const foreign = await buildSegment(neighbour.environmentId, [isOnPlan("pro")]);
    expect((await get(`/contacts?segmentId=${foreign}`).expect(401)).body).toEqual(UNAUTHORIZED);
    expect((await get(`/contacts?environmentId=${neighbour.environmentId}`).expect(401)).body).toEqual(UNAUTHORIZED);
    await get(`/contacts?segmentId=${newId()}`).expect(404);
    await get("/contacts", await keyWithout()).expect(401);
    const theirs = await buildContact(server.db, { environmentId: neighbour.environmentId, userId: "theirs-alone" });
    expect(idsOf(await get("/contacts?userId=theirs-alone").expect(200))).toEqual([]);
    await get(`/contacts/${theirs.id}`).expect(401);
  });
});

describe("GET /api/v2/management/companies", () => {
  it("answers 200 with companies, one by its id, and reads on by cursor", async () => {
    const owner = await buildTenant(server.db);
    const { environmentId } = owner;
    const ids = [];
    for (const companyId of ["acme", "globex", "initech"]) ids.push(await buildCompany(environmentId, companyId));
    const { body } = await get("/companies?companyId=acme", owner).expect(200);
    const acme = {
      id: ids[0],
      createdAt: ISO,
      updatedAt: ISO,
      companyId: "acme",
      attributes: { seats: 4 },
      workspaceId: environmentId,
      environmentId,
    };
    expect(body).toEqual({
      data: [acme],
      meta: { total: 1, totalIsEstimate: false, limit: 50, offset: 0, nextCursor: null },
    });
    expect((await get(`/companies/${ids[0]}`, owner).expect(200)).body).toEqual({ data: acme });
    expect(await readAll("/companies?limit=2&order=asc", owner)).toEqual({ ids, pages: 2 });
  });

  it("answers 404, 422 and 401 for what is unknown, wrong or a neighbour's", async () => {
    const foreign = await buildCompany(neighbour.environmentId, "theirs");
    await get(`/companies/${newId()}`).expect(404);
    await get("/companies/No!").expect(422);
    expect((await get("/companies?name=x").expect(422)).body).toEqual(unprocessable("", 'Unrecognized key: "name"'));
    expect((await get(`/companies/${foreign}`).expect(401)).body).toEqual(UNAUTHORIZED);
    expect(idsOf(await get("/companies?companyId=theirs").expect(200))).toEqual([]);
    await get(`/companies?workspaceId=${neighbour.environmentId}`).expect(401);
  });
});

describe("GET /api/v2/management/events", () => {
  it("answers 200 with events by contact, name and time, newest first, read on by cursor", async () => {
    const owner = await buildTenant(server.db);
    const { environmentId } = owner;
    const [one, other] = [
      await buildContact(server.db, { environmentId, userId: "one" }),
      await buildContact(server.db, { environmentId, userId: "other" }),
    ];
    const data = Array.from({ length: 9 }, (_, index) => ({
      id: newId(),
      environmentId,
      contactId: index % 2 === 0 ? one.id : other.id,
      name: index < 6 ? "Opened" : "Closed",
      occurredAt: new Date(Date.UTC(2026, 0, 1 + Math.floor(index / 2))),
      properties: { index },
      source: "sprig",
    }));
    await server.db.prisma.event.createMany({ data });
    const ids = data.map(({ id }) => id);
    const first = (await get("/events?limit=1&order=asc", owner).expect(200)).body;
    expect(first).toEqual({
      data: [
        {
          id: ids[0],
          occurredAt: "2026-01-01T00:00:00.000Z",
          createdAt: ISO,
          contactId: one.id,
          userId: "one",
          companyId: null,
          name: "Opened",
          properties: { index: 0 },
          source: "sprig",
          workspaceId: environmentId,
          environmentId,
        },
      ],
      meta: { limit: 1, nextCursor: expect.any(String) },
    });
    expect(await readAll("/events?limit=2&order=asc", owner)).toEqual({ ids, pages: 5 });
    const of = async (query: string) => idsOf(await get(`/events?order=asc&${query}`, owner).expect(200));
    expect(await of(`contactId=${one.id}`)).toEqual(ids.filter((_, index) => index % 2 === 0));
    expect(await of("userId=other&name=Closed")).toEqual([ids[7]]);
    expect(await of("startDate=2026-01-02&endDate=2026-01-03")).toEqual(ids.slice(2, 6));
    expect(await of("userId=nobody")).toEqual([]);
    expect(idsOf(await get("/events", owner).expect(200))).toEqual([...ids].reverse());
  });

  it("answers 422 to what it cannot filter by, 401 for a neighbour's environment, and shows none of theirs", async () => {
    const { environmentId } = neighbour;
    const contact = await buildContact(server.db, { environmentId, userId: "theirs" });
    const event = { id: newId(), environmentId, contactId: contact.id, name: "Theirs", source: "test" };
    await server.db.prisma.event.create({ data: { ...event, occurredAt: new Date() } });
    expect(idsOf(await get(`/events?contactId=${contact.id}`).expect(200))).toEqual([]);
    expect(idsOf(await get("/events?name=Theirs").expect(200))).toEqual([]);
    expect((await get("/events?skip=5").expect(422)).body).toEqual(unprocessable("", 'Unrecognized key: "skip"'));
    await get("/events?cursor=x").expect(422);
    await get(`/events?workspaceId=${environmentId}`).expect(401);
  });
});
