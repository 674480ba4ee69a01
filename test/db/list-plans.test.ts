/** How the database reads the long lists: by indexes, with the settings that a server's connections have. */
import { pino } from "pino";
import { afterAll, beforeAll, expect, it } from "vitest";
import { createCompanyDirectory } from "../../src/companies/directory.ts";
import { createContactDirectory } from "../../src/contacts/directory.ts";
import { createMemberships } from "../../src/contacts/memberships.ts";
import type { Database } from "../../src/db/database.ts";
import { createEventDirectory } from "../../src/events/directory.ts";
import { createResponseManagement } from "../../src/responses/management.ts";
import { createSegmentService } from "../../src/segments/service.ts";
import { newId } from "../../src/shared/ids.ts";
import type { Principal } from "../../src/shared/principal.ts";
import { createLiveSurveyService } from "../../src/surveys/live-survey.ts";
import { buildSurvey, buildTenant, type Tenant } from "../support/build.ts";
import { startTestServer, type TestServer } from "../support/server.ts";

/** Enough for the planner to prefer an index where there is one. */
const ROWS = 20_000;

let server: TestServer;
let tenant: Tenant;
let surveyId: string;
beforeAll(async () => {
  server = await startTestServer();
  tenant = await buildTenant(server.db);
  const { environmentId } = tenant;
  ({ id: surveyId } = await buildSurvey(server.db, { environmentId }));
  const { id: other } = await buildSurvey(server.db, { environmentId });
  const series = `generate_series(1, ${ROWS}) n`;
  const at = `now() - make_interval(secs => ${ROWS} - n)`;
  const id = `'c' || n || left(md5($1 || n), 12)`;
  await server.db.query(
    `insert into companies ("environmentId", id, "createdAt", "updatedAt", "companyId")
     select $1, ${id}, ${at}, now(), 'company-' || n from ${series}`,
    [environmentId],
  );
  await server.db.query(
    `insert into contacts ("environmentId", id, "createdAt", "updatedAt", "userId", email, "companyId")
     select $1, ${id}, ${at}, ${at}, 'user-' || n, n || '@example.com', ${id} from ${series}`,
    [environmentId],
  );
  await server.db.query(
    `insert into contacts ("environmentId", id, "createdAt", "updatedAt", "userId")
     select $1, ${id}, ${at} + interval '1 millisecond', ${at}, 'user-' || n from ${series} where n % 40 = 0`,
    [tenant.developmentId],
  );
  await server.db.query(
    `insert into responses ("environmentId", id, "createdAt", "updatedAt", "surveyId", "contactId", finished, data)
     select $1, ${id}, ${at}, ${at}, case when n % 10 = 0 then $2 else $3 end, ${id}, true, '{}' from ${series}`,
    [environmentId, surveyId, other],
  );
  await server.db.query(
    `insert into events ("environmentId", id, "occurredAt", "contactId", name, source)
     select $1, ${id}, ${at}, ${id}, 'event ' || n % 20, 'test' from ${series}`,
    [environmentId],
  );
  await server.db.query("analyze companies, contacts, responses, events");
}, 120_000);
afterAll(() => server.close());

/** Runs the calls and returns the plans of all statements that they send to the database. */
async function plansOf(call: (db: Database) => Promise<unknown>): Promise<string[]> {
  const sent: { text: string; values: unknown[] }[] = [];
  const recording: Database = {
    ...server.db,
    query: (statement, values = []) => {
      sent.push({ text: typeof statement === "string" ? statement : statement.text, values });
      return server.db.query(statement, values);
    },
  };
  await call(recording);
  const plans: string[] = [];
  for (const { text, values } of sent.filter((statement) => !statement.text.startsWith("explain"))) {
    const lines = await server.db.query<{ "QUERY PLAN": string }>(`explain ${text}`, values);
    plans.push(lines.map((line) => line["QUERY PLAN"]).join("\n"));
  }
  return plans;
}

const page = { limit: 50, skip: 0, sortBy: "createdAt", order: "desc", filterDateField: "createdAt" } as const;
const day = { startDate: new Date(Date.now() - 3_600_000), endDate: new Date(Date.now() - 3_000_000) };

/** A key to one environment, and one to two. */
const callers = (): Principal[] =>
  [[tenant.environmentId], [tenant.environmentId, tenant.developmentId]].map((ids) => ({
    apiKeyId: newId(),
    organizationId: tenant.organizationId,
    createdBy: null,
    organizationAccess: { read: false, write: false },
    permissions: new Map(ids.map((id) => [id, "read" as const])),
  }));

async function expectIndexes(call: (db: Database, caller: Principal) => Promise<unknown>): Promise<void> {
  for (const caller of callers()) {
    const plans = await plansOf((db) => call(db, caller));
    expect(plans.length).toBeGreaterThan(0);
    for (const plan of plans) expect(plan).not.toMatch(/Seq Scan on (companies|contacts|responses|events)/);
  }
}

it.each([
  ["first page", {}],
  ["deep page", { skip: 15_000 }],
  ["of a user id", { userId: "user-77" }],
  ["of an address", { email: "77@example.com" }],
  ["by a beginning", { search: "USER-123" }],
  ["by a beginning that nobody has", { search: "nobody" }],
  ["of a company", { companyId: "company-5" }],
  ["of some days", day],
])("contacts, %s", async (_, filter) => {
  await expectIndexes((db, caller) => {
    const memberships = createMemberships({ db, environments: server.services.environments, now: Date.now });
    const directory = createContactDirectory({ db, lists: db, segments: createSegmentService({ db }), memberships });
    return directory.list(caller, { ...page, ...filter });
  });
});

it("contacts that follow a cursor", async () => {
  for (const caller of callers()) {
    const { nextCursor } = await server.services.contactDirectory.list(caller, { ...page, skip: 9_000 });
    await expectIndexes((db) => {
      const memberships = createMemberships({ db, environments: server.services.environments, now: Date.now });
      const directory = createContactDirectory({ db, lists: db, segments: createSegmentService({ db }), memberships });
      return directory.list(caller, { ...page, cursor: nextCursor ?? "" });
    });
  }
});

it("a deep page of two environments is that of all their contacts in one order, and behind the last there is nothing", async () => {
  const [, both] = callers();
  if (!both) throw new Error("There are two callers");
  for (const [skip, order] of [
    [18_000, "desc"],
    [12_345, "asc"],
    [ROWS + ROWS / 40 - 3, "desc"],
    [50_000, "asc"],
    [Number.MAX_SAFE_INTEGER, "desc"],
  ] as const) {
    const { rows } = await server.services.contactDirectory.list(both, { ...page, skip, order });
    const expected = await server.db.query<{ id: string }>(
      `select id from contacts where "environmentId" = any($1::text[])
       order by "createdAt" ${order}, id ${order} limit 50 offset $2`,
      [[tenant.environmentId, tenant.developmentId], skip],
    );
    expect(rows.map(({ id }) => id)).toEqual(expected.map(({ id }) => id));
  }
});

it("a search is counted by its own indexes, each contact once", async () => {
  const [one] = callers();
  if (!one) throw new Error("There are two callers");
  await server.db.query(
    `update contacts set email = 'user-19' || email where "environmentId" = $1 and "userId" like 'user-199%'`,
    [tenant.environmentId],
  );
  const found = await server.services.contactDirectory.list(one, { ...page, search: "User-19" });
  expect(found).toMatchObject({ total: 1_111, isEstimate: false });
  expect(found.rows.map(({ userId }) => userId)).toEqual(Array.from({ length: 50 }, (_, i) => `user-${19_999 - i}`));
  const many = await server.services.contactDirectory.list(one, { ...page, search: "user-1" });
  expect(many.isEstimate).toBe(true);
  expect(Math.abs(many.total - 11_111)).toBeLessThan(1_500);
});

it.each([
  ["first page", {}],
  ["of a customer's id", { companyId: "company-77" }],
])("companies, %s", async (_, filter) => {
  await expectIndexes((db, caller) => createCompanyDirectory({ db, lists: db }).list(caller, { ...page, ...filter }));
});

it.each([
  ["first page", {}],
  ["of a contact", { userId: "user-77" }],
  ["of a name", { name: "event 7" }],
  ["of some days", day],
])("events, %s", async (_, filter) => {
  const newest = { ...page, sortBy: "occurredAt" as const };
  await expectIndexes((db, caller) => createEventDirectory({ lists: db }).list(caller, { ...newest, ...filter }));
});

const responsesOf = (db: Database) =>
  createResponseManagement({
    db,
    lists: db,
    environments: server.services.environments,
    surveys: createLiveSurveyService({ db }),
    newId,
    outbox: { announce: () => undefined },
    publicUrl: "http://localhost",
    removeFile: server.services.uploads.removeFile,
    log: pino({ level: "silent" }),
  });

it.each([
  ["first page", () => ({})],
  ["deep page", () => ({ skip: 15_000 })],
  ["of a survey", () => ({ surveyId })],
  ["of a survey, deep", () => ({ surveyId, skip: 1_500 })],
  ["of a contact", () => ({ contactId: "c77" })],
  ["of some days", () => day],
  ["changed in some time", () => ({ ...day, filterDateField: "updatedAt" as const, sortBy: "updatedAt" as const })],
])("responses, %s", async (_, filter) => {
  await expectIndexes((db, caller) => responsesOf(db).list(caller, { ...page, ...filter() }));
});

it.each([
  ["all", () => undefined],
  ["of a survey", () => surveyId],
])("responses as v1 lists them, %s", async (_, survey) => {
  await expectIndexes((db, caller) => responsesOf(db).readNewest(caller, { surveyId: survey(), limit: 50, skip: 0 }).next());
});
