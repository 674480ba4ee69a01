/** Environments whose project is gone: out of reach at once, their rows removed in batches. */
import { afterAll, beforeAll, expect, it } from "vitest";
import { createEnvironmentRemoval } from "../../src/environments/removal.ts";
import { newId } from "../../src/shared/ids.ts";
import { buildSurvey, buildTenant, buildWebhook, type Tenant } from "../support/build.ts";
import { startTestServer, type TestServer } from "../support/server.ts";

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.close());

/** More than two batches of contacts, each with a display, a response to it and an event. */
const CONTACTS = 10_001;

async function fill(): Promise<Tenant & { surveyId: string }> {
  const tenant = await buildTenant(server.db);
  const { environmentId } = tenant;
  const { id: surveyId } = await buildSurvey(server.db, { environmentId });
  await buildWebhook(server.db, { ...tenant, triggers: ["contactCreated"] });
  const rows = "from generate_series(1, $2::int) as n";
  for (const statement of [
    `insert into contacts ("environmentId", id, "userId", "updatedAt") select $1, $3 || n, 'u' || n, now() ${rows}`,
    `insert into displays ("environmentId", id, "surveyId", "contactId", "updatedAt") select $1, $3 || 'd' || n, $3, $3 || n, now() ${rows}`,
    `insert into responses ("environmentId", id, "surveyId", "contactId", "displayId", finished, data, "updatedAt")
     select $1, $3 || 'r' || n, $3, $3 || n, $3 || 'd' || n, true, '{}', now() ${rows}`,
    `insert into events ("environmentId", id, "contactId", name, source, "occurredAt") select $1, $3 || 'e' || n, $3 || n, 'Did', 'test', now() ${rows}`,
  ])
    await server.db.query(statement, [environmentId, CONTACTS, surveyId]);
  return { ...tenant, surveyId };
}

async function countRows(environmentId: string) {
  const { contact, display, response, event, survey, webhook, environment } = server.db.prisma;
  const where = { where: { environmentId } };
  const own = await Promise.all([contact, display, response, event, survey, webhook].map((table) => count(table, where)));
  return [...own, await environment.count({ where: { id: environmentId } })];
}
const count = (
  table: { count(where: { where: { environmentId: string } }): Promise<number> },
  where: { where: { environmentId: string } },
) => table.count(where);
const NOTHING = [0, 0, 0, 0, 0, 0, 0];

it("go with their project, at once for whoever calls, and in the background for the database", async () => {
  const { organizationId, projectId, environmentId, apiKey, surveyId } = await fill();
  const manage = (method: "get" | "delete", path: string) => server.request[method](`/api/v2/${path}`).set("x-api-key", apiKey);
  await server.request.get(`/api/v1/client/${environmentId}/environment`).expect(200);
  await manage("delete", `organizations/${organizationId}/projects/${projectId}`).expect(200);
  await server.request.get(`/api/v1/client/${environmentId}/environment`).expect(404);
  await server.request.post(`/api/v2/client/${environmentId}/user`).send({ userId: "u1" }).expect(404);
  await manage("get", `management/surveys/${surveyId}`).expect(401);
  await server.request.get(`/s/${surveyId}`).expect(404);
  await expect.poll(() => countRows(environmentId), { timeout: 25_000 }).toEqual(NOTHING);
});

it("are removed in batches, which another process takes up where one stopped", async () => {
  const { organizationId, environmentId } = await fill();
  await server.db.query(`delete from organizations where id = $1`, [organizationId]);
  let batches = 0;
  const stopped = createEnvironmentRemoval({ db: server.db, isStopping: () => ++batches > 6 });
  await stopped.tasks.remove_environment?.({ environmentId });
  const [contacts = 0, displays = 0, responses = 0, events = 0] = await countRows(environmentId);
  expect(contacts + displays + responses + events).toBeGreaterThan(3 * CONTACTS);
  // What it has not done it has given back to the queue, which the server works off.
  await expect.poll(() => countRows(environmentId), { timeout: 25_000 }).toEqual(NOTHING);
});

it("are found by the next start or the next day when nobody has scheduled them", async () => {
  const { organizationId, environmentId, developmentId } = await buildTenant(server.db);
  await server.db.query(`delete from organizations where id = $1`, [organizationId]);
  await server.services.environmentRemoval.resume();
  for (const id of [environmentId, developmentId])
    await expect.poll(() => server.db.prisma.environment.count({ where: { id } })).toBe(0);
});

it("stay when they have a project", async () => {
  const { environmentId } = await buildTenant(server.db);
  await server.services.environmentRemoval.tasks.remove_environment?.({ environmentId });
  expect(await server.db.prisma.environment.count({ where: { id: environmentId } })).toBe(1);
  await server.services.environmentRemoval.tasks.remove_environment?.({ environmentId: newId() });
});
