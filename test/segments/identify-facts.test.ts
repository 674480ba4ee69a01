/** Segments that ask for companies, booleans and events, as identify and their own listing decide them. */
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import { createMemberships } from "../../src/contacts/memberships.ts";
import type { Statement } from "../../src/db/database.ts";
import { validateFilters } from "../../src/segments/service.ts";
import { newId } from "../../src/shared/ids.ts";
import { buildTenant, type Tenant } from "../support/build.ts";
import { startTestServer, type TestServer } from "../support/server.ts";

let server: TestServer;
let tenant: Tenant;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.close());
beforeEach(async () => {
  tenant = await buildTenant(server.db);
});

const leaf = (root: object, operator: string, value?: unknown) => [
  {
    id: newId(),
    connector: null,
    resource: { id: newId(), root, qualifier: { operator }, ...(value !== undefined && { value }) },
  },
];
const attribute = (contactAttributeKey: string, operator: string, value?: unknown) =>
  leaf({ type: "attribute", contactAttributeKey }, operator, value);
const event = (eventName: string, operator: string, value?: object) => leaf({ type: "event", eventName }, operator, value);

/** Stores a segment for each list of filters; returns its id by its name. */
async function buildSegments(filters: Record<string, object[]>): Promise<Record<string, string>> {
  const { environmentId } = tenant;
  const ids: Record<string, string> = {};
  for (const [title, given] of Object.entries(filters)) {
    const id = newId();
    ids[id] = title;
    const valid = validateFilters(given, { segmentId: null, surveyIds: new Set(), segments: [] });
    await server.db.query(
      `insert into segments ("environmentId", id, title, filters, "updatedAt") values ($1, $2, $3, $4::jsonb, now())`,
      [environmentId, id, title, JSON.stringify(valid)],
    );
  }
  return ids;
}

const userpilot = (path: string, body: object) =>
  server.request.post(`/v1${path}`).set("authorization", `Token ${tenant.apiKey}`).send(body).expect(202);

/** The names of the segments that identify finds the contact in, held equal with what the database lists. */
async function segmentsOf(userId: string, titles: Record<string, string>): Promise<string[]> {
  const { environmentId } = tenant;
  const { body } = await server.request.post(`/api/v2/client/${environmentId}/user`).send({ userId }).expect(200);
  const found: string[] = body.data.state.data.segments.map((id: string) => titles[id]);
  const rows = await server.db.prisma.segment.findMany({ where: { environmentId } });
  const listed: string[] = [];
  for (const { id, filters } of rows) {
    const contacts = await server.services.segments.listContacts(environmentId, { id, filters }, { limit: 100 });
    if (contacts.some((contact) => contact.userId === userId)) listed.push(titles[id] ?? "");
  }
  expect(found.sort()).toEqual(listed.sort());
  return found;
}

it("a segment may ask for the contact's company", async () => {
  const titles = await buildSegments({
    pro: attribute("company.plan", "equals", "pro"),
    large: attribute("company.seats", "greaterEqual", 100),
    acme: attribute("company.id", "equals", "acme"),
    none: attribute("company.id", "isNotSet"),
    own: attribute("company.name", "equals", "Own"),
  });
  await userpilot("/identify", { user_id: "u", company: { id: "acme", plan: "pro", seats: 100, name: "Acme" } });
  expect(await segmentsOf("u", titles)).toEqual(["acme", "large", "pro"]);
  await userpilot("/identify", { user_id: "v", metadata: { company: { name: "Own" } } });
  expect(await segmentsOf("v", titles)).toEqual(["none", "own"]);
  await userpilot("/companies/identify", { company_id: "acme", metadata: { plan: "free", seats: 3 } });
  expect(await segmentsOf("u", titles)).toEqual(["acme"]);
});

it("a segment may ask for a boolean", async () => {
  const titles = await buildSegments({ on: attribute("trial", "equals", true), off: attribute("trial", "equals", "false") });
  await userpilot("/identify", { user_id: "u", metadata: { trial: true } });
  await userpilot("/identify", { user_id: "v", metadata: { trial: false } });
  expect([await segmentsOf("u", titles), await segmentsOf("v", titles)]).toEqual([["on"], ["off"]]);
});

it("a segment may ask what a contact did, how often, when and how", async () => {
  const titles = await buildSegments({
    ever: event("Paid", "performed"),
    never: event("Paid", "notPerformed"),
    twice: event("Paid", "performed", { atLeast: 2 }),
    once: event("Paid", "performed", { atLeast: 1, atMost: 1 }),
    lately: event("Paid", "performed", { within: { amount: 7, unit: "days" } }),
    dearly: event("Paid", "performed", { where: [{ property: "amount", operator: "greaterThan", value: 100 }] }),
  });
  await userpilot("/identify", { user_id: "u" });
  expect(await segmentsOf("u", titles)).toEqual(["never"]);
  await userpilot("/track", { user_id: "u", event_name: "Paid", metadata: { amount: 5, timestamp: "2024-01-01" } });
  await userpilot("/track", { user_id: "u", event_name: "paid", metadata: { amount: 500 } });
  expect(await segmentsOf("u", titles)).toEqual(["ever", "once"]);
  await userpilot("/track", { user_id: "u", event_name: "Paid", metadata: { amount: 101 } });
  expect(await segmentsOf("u", titles)).toEqual(["dearly", "ever", "lately", "twice"]);
});

it("a condition looks into every event, however many came after it", async () => {
  const rare = { where: [{ property: "kind", operator: "equals", value: "rare" }] };
  const titles = await buildSegments({
    rare: event("Clicked", "performed", rare),
    many: event("Clicked", "performed", { atLeast: 999 }),
  });
  await userpilot("/track", { user_id: "u", event_name: "Clicked", metadata: { kind: "rare", timestamp: "2024-01-01" } });
  await server.db.query(
    `insert into events ("environmentId", id, "contactId", name, "occurredAt", properties, source)
     select "environmentId", gen_random_uuid()::text, "contactId", name, now(), '{"kind":"common"}', source
     from events, generate_series(1, 1500) where "environmentId" = $1`,
    [tenant.environmentId],
  );
  expect(await segmentsOf("u", titles)).toEqual(["many", "rare"]);
});

it("lists of contacts count events in the database, however many there are", async () => {
  const kind = (value: string, atLeast: number) => ({ atLeast, where: [{ property: "kind", operator: "equals", value }] });
  const titles = await buildSegments({
    rare: event("Clicked", "performed", kind("rare", 1)),
    most: event("Clicked", "performed", kind("common", 999)),
    rarer: event("Clicked", "performed", kind("rare", 2)),
  });
  await userpilot("/track", { user_id: "u", event_name: "Clicked", metadata: { kind: "rare" } });
  await server.db.query(
    `insert into events ("environmentId", id, "contactId", name, "occurredAt", properties, source)
     select "environmentId", gen_random_uuid()::text, "contactId", name, now(), jsonb_build_object('kind', 'common', 'text', $2::text), source
     from events, generate_series(1, 5000) where "environmentId" = $1`,
    [tenant.environmentId, "x".repeat(1_000)],
  );
  let largest = 0;
  const { query } = server.db;
  const measured = {
    ...server.db,
    query: async <Row extends object>(statement: Statement | string, values?: unknown[]) => {
      const rows = await query<Row>(statement, values);
      largest = Math.max(largest, JSON.stringify(rows).length);
      return rows;
    },
  };
  const { environments } = server.services;
  const { id = "" } = (await server.db.prisma.contact.findFirst({ where: { environmentId: tenant.environmentId } })) ?? {};
  const member = { id, environmentId: tenant.environmentId, userId: "u", email: null, attributes: {}, company: null };
  const [found] = await createMemberships({ db: measured, environments, now: Date.now }).addSegments([member]);
  expect(found?.segments.map((segment) => titles[segment]).sort()).toEqual(["most", "rare"]);
  expect(largest).toBeLessThan(1_000);
});

it("explains such a segment as identify decides it", async () => {
  const titles = await buildSegments({ both: [...event("Paid", "performed"), ...attribute("company.id", "equals", "acme")] });
  const [id = ""] = Object.keys(titles);
  await server.db.query(`update segments set filters = jsonb_set(filters, '{1,connector}', '"and"') where id = $1`, [id]);
  await userpilot("/track", { user_id: "u", event_name: "Paid", company: { id: "acme" } });
  const caller = await server.services.apiKeys.authenticate(tenant.apiKey);
  const { explanation } = await server.services.segmentManagement.explain(caller, id, { userId: "u" }, null);
  expect(explanation).toMatchObject({ result: true, decidedBy: { contactValue: "acme" } });
});

it.each([
  [event("Paid", "performed", { atLeast: 3, atMost: 2 })],
  [event("Paid", "performed", { atLeast: 1000 })],
  [event("Paid", "performed", { often: true })],
  [event("Paid", "performed", { within: { amount: 0, unit: "days" } })],
  [event("Paid", "performed", { where: [{ property: "a", operator: "greaterThan", value: "x" }] })],
  [event("Paid", "equals", {})],
  [event("", "performed")],
])("filters are refused: %j", (filters) => {
  expect(() => validateFilters(filters, { segmentId: null, surveyIds: new Set(), segments: [] })).toThrow();
});
