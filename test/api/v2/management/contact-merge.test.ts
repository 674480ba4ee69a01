/** POST /api/v2/management/contacts/{id}/merge. */
import { afterAll, beforeAll, expect, it } from "vitest";
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

const CONTACTS = "/api/v2/management/contacts";
const merge = (id: string, body: object, { apiKey }: Pick<Tenant, "apiKey"> = tenant) =>
  server.request.post(`${CONTACTS}/${id}/merge`).set("x-api-key", apiKey).send(JSON.stringify(body));
const get = (path: string) => server.request.get(`/api/v2/management${path}`).set("x-api-key", tenant.apiKey);
const identify = (userId: string, attributes: object = {}) =>
  server.request.post(`/api/v2/client/${tenant.environmentId}/user`).send({ userId, attributes });
const track = (userId: string) =>
  server.request
    .post("/v1/track")
    .set("authorization", `Token ${tenant.apiKey}`)
    .send({ user_id: userId, event_name: "Later", metadata: {} });

async function build(contact: Partial<{ userId: string; email: string; attributes: Record<string, string | number> }> = {}) {
  const { environmentId } = tenant;
  const { id } = await buildContact(server.db, { environmentId, ...contact });
  const survey = await buildSurvey(server.db, { environmentId });
  const own = { environmentId, contactId: id };
  await server.db.prisma.display.create({ data: { ...own, id: newId(), surveyId: survey.id } });
  await server.db.prisma.response.create({ data: { ...own, id: newId(), surveyId: survey.id, finished: true, data: {} } });
  const event = { ...own, name: "Did", source: "test", occurredAt: new Date() };
  await server.db.prisma.event.createMany({ data: [1, 2].map(() => ({ ...event, id: newId() })) });
  return { id, surveyId: survey.id };
}
const countsOf = async (contactId: string) => {
  const { display, response, event } = server.db.prisma;
  const where = { where: { contactId } };
  return { displays: await display.count(where), responses: await response.count(where), events: await event.count(where) };
};
const unprocessable = (field: string, issue: string) => ({
  error: { code: 422, message: "Unprocessable Entity", details: [{ field, issue }] },
});

it("tells by a dry run what it would do, and does that without one", async () => {
  const [own, other] = [newId(), newId()];
  const kept = await build({ userId: own, attributes: { plan: "pro", seats: 3 } });
  const gone = await build({
    userId: other,
    email: `${other}@example.com`,
    attributes: { plan: "free", source: "ad", seats: 3 },
  });
  const result = {
    wasMerged: false,
    contact: {
      id: kept.id,
      userId: own,
      email: `${other}@example.com`,
      companyId: null,
      attributes: { plan: "pro", seats: 3, source: "ad" },
    },
    merged: { id: gone.id, userId: other, email: `${other}@example.com` },
    moved: { displays: 1, responses: 1, events: 2 },
    conflicts: [
      { key: "userId", kept: own, dropped: other },
      { key: "plan", kept: "pro", dropped: "free" },
    ],
  };
  expect((await merge(kept.id, { from: gone.id, dryRun: true }).expect(200)).body).toEqual({ data: { dryRun: true, ...result } });
  expect(await countsOf(gone.id)).toEqual({ displays: 1, responses: 1, events: 2 });
  expect((await merge(kept.id, { from: gone.id }).expect(200)).body).toEqual({ data: { dryRun: false, ...result } });
  expect(await countsOf(kept.id)).toEqual({ displays: 2, responses: 2, events: 4 });
  const { body } = await get(`/contacts/${gone.id}`).expect(200);
  expect(body.data).toMatchObject({ id: kept.id, userId: own, attributes: result.contact.attributes });
  expect((await get(`/contacts?userId=${other}`).expect(200)).body.data).toEqual([]);
});

it("leads the other's ids to the contact that goes on, wherever they come in", async () => {
  const [own, other] = [newId(), newId()];
  const kept = await build({ userId: own });
  const gone = await build({ userId: other });
  await identify(other).expect(200); // its environment is cached now, without aliases
  await merge(gone.id, { into: kept.id }).expect(200);

  const identified = await identify(other, { firstName: "Ada" }).expect(200);
  expect(identified.body.data.state.data).toMatchObject({ contactId: kept.id, userId: other });
  expect((await get(`/contacts/${kept.id}`)).body.data).toMatchObject({ userId: own, attributes: { firstName: "Ada" } });

  const shown = { surveyId: gone.surveyId };
  const client = `/api/v2/client/${tenant.environmentId}`;
  for (const viewer of [{ contactId: gone.id }, {}])
    await server.request
      .post(`${client}/displays`)
      .set("idempotency-key", newId())
      .send({ ...shown, ...viewer })
      .expect(200);
  await server.request
    .post(`/api/v1/client/${tenant.environmentId}/displays`)
    .set("idempotency-key", newId())
    .send({ ...shown, userId: other })
    .expect(200);
  expect((await countsOf(kept.id)).displays).toBe(4);

  await track(other).expect(202);
  await expect.poll(() => countsOf(kept.id)).toMatchObject({ events: 5 });
  expect((await get(`/events?userId=${other}&name=Later`)).body.data).toMatchObject([{ contactId: kept.id, userId: own }]);
  expect(await server.db.prisma.contact.count({ where: { userId: other } })).toBe(0);

  const survey = gone.surveyId;
  const answer = { surveyId: survey, finished: true, data: {}, userId: other };
  const response = await server.request
    .post("/api/v2/management/responses")
    .set("x-api-key", tenant.apiKey)
    .send(JSON.stringify(answer))
    .expect(201);
  expect(response.body.data.contactId).toBe(kept.id);
  await server.request
    .post(CONTACTS)
    .set("x-api-key", tenant.apiKey)
    .send(JSON.stringify({ environmentId: tenant.environmentId, attributes: { email: `${newId()}@example.com`, userId: other } }))
    .expect(409);
});

it("lets the other's app go on with the response that it began", async () => {
  const [own, other] = [newId(), newId()];
  const [kept, gone] = [await build({ userId: own }), await build({ userId: other })];
  const client = `/api/v1/client/${tenant.environmentId}`;
  const viewer = { surveyId: gone.surveyId, userId: other };
  const shown = await server.request.post(`${client}/displays`).set("idempotency-key", newId()).send(viewer).expect(200);
  const answer = { ...viewer, displayId: shown.body.data.id, finished: false, data: { q1: "a" } };
  const begun = await server.request.post(`${client}/responses`).send(answer).expect(200);
  await merge(kept.id, { from: gone.id }).expect(200);
  const { body } = await server.request
    .post(`${client}/responses`)
    .send({ ...answer, data: { q1: "b" } })
    .expect(200);
  expect(body.data.id).toBe(begun.body.data.id);
});

it("gives what arrives while the merge is committed to the contact that goes on", async () => {
  const [own, other] = [newId(), newId()];
  const [kept, gone] = [await build({ userId: own }), await build({ userId: other })];
  const { environmentId } = tenant;
  const { id: surveyId } = await buildSurvey(server.db, { environmentId });
  const client = `/api/v1/client/${environmentId}`;
  for (const post of [
    () => server.request.post(`${client}/displays`).send({ surveyId, userId: other }),
    () => server.request.post(`${client}/responses`).send({ surveyId, userId: other, finished: true, data: {} }),
  ]) {
    const { answer } = await server.db.transaction(async (tx) => {
      await tx.query(`delete from displays where "environmentId" = $1 and "contactId" = $2`, [environmentId, gone.id]);
      await tx.query(`delete from contacts where "environmentId" = $1 and id = $2`, [environmentId, gone.id]);
      await tx.query(
        `insert into contact_aliases ("environmentId", id, "contactId", "userId", "visitorId") values ($1, $2, $3, $4, gen_random_uuid())`,
        [environmentId, gone.id, kept.id, other],
      );
      const sent = post().then((response) => response);
      await expect.poll(isSomeoneWaiting).toBe(true);
      return { answer: sent };
    });
    expect((await answer).status).toBe(200);
    await server.db.query(`delete from contact_aliases where "environmentId" = $1 and id = $2`, [environmentId, gone.id]);
    await buildContact(server.db, { environmentId, id: gone.id, userId: other });
  }
  expect(await countsOf(kept.id)).toMatchObject({ displays: 2, responses: 2 });
});

const isSomeoneWaiting = async () =>
  (await server.db.query(`select 1 from pg_stat_activity where wait_event_type = 'Lock' and query ~ '^\\s*with (known|i) as'`))
    .length > 0;

it("makes links for the other's id to the contact that goes on", async () => {
  const [kept, gone] = [await build({ userId: newId() }), await build({ userId: newId() })];
  await merge(kept.id, { from: gone.id }).expect(200);
  const { id } = await buildSurvey(server.db, { environmentId: tenant.environmentId, type: "link" });
  const { body } = await get(`/surveys/${id}/contact-links/contacts/${gone.id}`).expect(200);
  const page = await server.request.get(new URL(body.data.surveyUrl).pathname).expect(200);
  expect(page.text).toContain(`"contactId":"${kept.id}"`);
});

it("takes over the user id that the contact lacks, and chains of merges lead to the last one", async () => {
  const [first, second] = [newId(), newId()];
  const a = await build({ userId: first });
  const b = await build({ email: `${newId()}@example.com` });
  const c = await build({ userId: second });
  const { body } = await merge(b.id, { from: a.id }).expect(200);
  expect(body.data).toMatchObject({ contact: { id: b.id, userId: first }, conflicts: [] });
  await merge(b.id, { into: c.id }).expect(200);
  for (const id of [a.id, b.id, c.id]) expect((await get(`/contacts/${id}`).expect(200)).body.data.id).toBe(c.id);
  for (const userId of [first, second]) expect((await identify(userId).expect(200)).body.data.state.data.contactId).toBe(c.id);
  expect(await countsOf(c.id)).toEqual({ displays: 3, responses: 3, events: 6 });
});

it("answers 200 to the same merge again, and merges two at once in either direction once", async () => {
  const [a, b] = [await build({ userId: newId() }), await build({ userId: newId() })];
  await merge(a.id, { from: b.id }).expect(200);
  const again = await merge(a.id, { from: b.id }).expect(200);
  expect(again.body.data).toMatchObject({ wasMerged: true, moved: { displays: 0, responses: 0, events: 0 } });

  const [c, d] = [await build({ userId: newId() }), await build({ userId: newId() })];
  const answers = await Promise.all([merge(c.id, { from: d.id }), merge(d.id, { from: c.id }), merge(c.id, { from: d.id })]);
  expect(answers.map(({ status }) => status).filter((status) => status !== 200 && status !== 404)).toEqual([]);
  expect(await server.db.prisma.contact.count({ where: { id: { in: [c.id, d.id] } } })).toBe(1);
});

it("forgets the aliases with the contact", async () => {
  const [own, other] = [newId(), newId()];
  const [kept, gone] = [await build({ userId: own }), await build({ userId: other })];
  await merge(kept.id, { from: gone.id }).expect(200);
  await server.request.delete(`${CONTACTS}/${gone.id}`).set("x-api-key", tenant.apiKey).expect(200);
  await get(`/contacts/${gone.id}`).expect(404);
  await get(`/contacts/${kept.id}`).expect(404);
  const anew = (await identify(other).expect(200)).body.data.state.data.contactId;
  expect([kept.id, gone.id]).not.toContain(anew);
});

it("answers 422 to a contact with itself, to both or neither, and to one of another environment", async () => {
  const { id } = await build({ userId: newId() });
  const elsewhere = await buildContact(server.db, { environmentId: tenant.developmentId, userId: newId() });
  expect((await merge(id, { from: id }).expect(422)).body).toEqual(
    unprocessable("from", "A contact cannot be merged with itself"),
  );
  for (const body of [{}, { from: newId(), into: newId() }])
    expect((await merge(id, body).expect(422)).body).toEqual(unprocessable("", "Either from or into must be given"));
  expect((await merge(id, { into: elsewhere.id }).expect(422)).body).toEqual(
    unprocessable("into", "The contact belongs to another environment"),
  );
  await merge(id, { from: "No!" }).expect(422);
  await merge(id, { from: newId(), force: true }).expect(422);
});

it("answers 404 for contacts that are not there, 401 to who may not write and for a neighbour's", async () => {
  const { id } = await build({ userId: newId() });
  const { id: other } = await build({ userId: newId() });
  const foreign = await buildContact(server.db, { environmentId: neighbour.environmentId, userId: newId() });
  await merge(id, { from: newId() }).expect(404);
  await merge(newId(), { from: id }).expect(404);
  await merge(id, { from: foreign.id }).expect(401);
  await merge(foreign.id, { from: id }).expect(401);
  const readOnly = await buildApiKey(server.db, { ...tenant, permissions: { [tenant.environmentId]: "read" } });
  await merge(id, { from: other }, { apiKey: readOnly }).expect(401);
  expect(await server.db.prisma.contact.count({ where: { id: { in: [id, other, foreign.id] } } })).toBe(3);
});
