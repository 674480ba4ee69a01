/**
 * The tables split by environment: every key holds, every query works, and what is asked for one environment is found in
 * one partition. The plans are those that the server's own statements were run by: PostgreSQL tells them (auto_explain).
 */
import pg from "pg";
import { pino } from "pino";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { CREATE, FIND, UPDATE } from "../../src/contacts/identify-statement.ts";
import { readTables } from "../../src/db/catalogue.ts";
import { migrate } from "../../src/db/migrate.ts";
import { openSession, type Session } from "../../src/db/session.ts";
import { formatShardPlan, placeTables } from "../../src/db/shard-plan.ts";
import { RECORD_EVENTS } from "../../src/events/event-statement.ts";
import { CHANGE_RESPONSE } from "../../src/responses/response-statements.ts";
import { createDeliveryQueue } from "../../src/webhooks/delivery-queue.ts";
import { CLAIM, EXPAND, LOCK_DUE, MEASURE, RENEW, RESCHEDULE, SETTLE, SWEEP } from "../../src/webhooks/delivery-statements.ts";
import { buildSurvey, buildTenant, buildWebhook, type Tenant } from "../support/build.ts";
import { createEmptyDatabase, type EmptyDatabase } from "../support/empty-database.ts";
import { digestTables, fillTables } from "../support/fill-tables.ts";
import { ANSWERABLE } from "../support/responses.ts";
import { startTestServer, type TestServer } from "../support/server.ts";
import { describeTables, partitionTables } from "./partition-tables.ts";

interface PlanNode {
  "Relation Name"?: string;
  "Actual Loops"?: number;
  Plans?: PlanNode[];
}

interface RunStatement {
  text: string;
  /** The tables and partitions that were read. */
  relations: string[];
}

const databases: EmptyDatabase[] = [];
const sessions: Session[] = [];

async function createDatabase(): Promise<{ url: string; session: Session }> {
  const database = await createEmptyDatabase();
  databases.push(database);
  await migrate({ url: database.url, log: pino({ level: "silent" }) });
  const session = await openSession({ url: database.url, name: "test" });
  sessions.push(session);
  return { url: database.url, session };
}

afterAll(async () => {
  await Promise.all(sessions.map((session) => session.close()));
  await Promise.all(databases.map((database) => database.drop()));
});

/** Notes the plan of every statement that any connection of this process runs. */
function recordPlans(): { statements: RunStatement[]; stop(): void } {
  const statements: RunStatement[] = [];
  const { emit } = pg.Client.prototype;
  pg.Client.prototype.emit = function (this: pg.Client, event: string, ...values: unknown[]) {
    const [notice] = values;
    if (event === "notice" && notice instanceof Object && "message" in notice) note(String(notice.message));
    return Reflect.apply(emit, this, [event, ...values]);
  } as typeof emit;
  return { statements, stop };

  function stop(): void {
    pg.Client.prototype.emit = emit;
  }

  function note(message: string): void {
    const [, json] = /^duration: .*? plan:\n([\s\S]*)$/.exec(message) ?? [];
    if (json === undefined) return;
    const { Plan, "Query Text": text } = JSON.parse(json) as { Plan: PlanNode; "Query Text": string };
    statements.push({ text, relations: relationsOf(Plan) });
  }
}

const relationsOf = (node: PlanNode): string[] => [
  ...(node["Relation Name"] !== undefined && (node["Actual Loops"] ?? 0) > 0 ? [node["Relation Name"]] : []),
  ...(node.Plans ?? []).flatMap(relationsOf),
];

/** The numbers of the partitions among the relations. */
const partitionsIn = ({ relations }: RunStatement): string[] => [
  ...new Set(relations.flatMap((name) => /_p(\d+)$/.exec(name)?.[1] ?? [])),
];

describe("tables split by environment", () => {
  let url: string;
  let session: Session;
  let names: string[];
  let definitions: string[];
  beforeAll(async () => {
    ({ url, session } = await createDatabase());
    definitions = await describeTables(session);
    names = await partitionTables(session);
  });

  it("are all that have an environmentId, and have the keys, indexes, foreign keys and triggers that they had whole", async () => {
    expect(names.length).toBeGreaterThan(20);
    expect(await describeTables(session)).toEqual(definitions);
    const [unchecked] = await session.query<{ count: number }>(
      "select count(*)::int as count from pg_constraint where connamespace = 'public'::regnamespace and not convalidated",
    );
    expect(unchecked).toEqual({ count: 0 });
  });

  it("take the same rows, keep those of an environment together, and let them go with it", async () => {
    const whole = await createDatabase();
    const split = await createDatabase();
    await partitionTables(split.session);
    await fillTables(whole.session, { count: 9 });
    await fillTables(split.session, { count: 9 });
    const expected = await digestTables(whole.session);
    expect(await digestTables(split.session)).toEqual(expected);
    for (const name of names) {
      const spread = await split.session.query<{ environment: string; partition: string }>(
        `select "environmentId" as environment, right(tableoid::regclass::text, 1) as partition from ${name} order by 1`,
      );
      const home = await split.session.query(
        `select "environmentId" as environment, right(tableoid::regclass::text, 1) as partition from contacts order by 1`,
      );
      expect([name, spread]).toEqual([name, home]);
    }
    await expect(
      split.session.execute(`update displays set "contactId" = 'contacts-id-1' where "environmentId" = 'environments-id-0'`),
    ).rejects.toThrow(/foreign key constraint/);
    await split.session.execute("delete from organizations");
    await split.session.execute("delete from environments"); // which outlive their projects until their rows are gone
    for (const { name, foreignKeys } of await readTables(split.session)) {
      if (foreignKeys.length === 0 || !names.includes(name)) continue; // what is to outlive its environment
      expect([name, await split.session.query(`select 1 from ${name}`)]).toEqual([name, []]);
    }
  });

  describe("under a server", () => {
    let server: TestServer;
    let tenant: Tenant;
    let plans: ReturnType<typeof recordPlans>;
    beforeAll(async () => {
      const name = new URL(url).pathname.slice(1);
      for (const setting of [
        "session_preload_libraries = 'auto_explain'",
        "auto_explain.log_min_duration = 0",
        "auto_explain.log_analyze = on",
        "auto_explain.log_format = json",
        "auto_explain.log_level = notice",
      ])
        await session.execute(`alter database ${name} set ${setting}`);
      server = await startTestServer({ DATABASE_URL: url });
      tenant = await buildTenant(server.db);
      await addNeighbours();
      plans = recordPlans();
    });
    afterAll(async () => {
      plans.stop();
      await server.close();
    });

    /** Rows of others in every partition, and statistics that say that there are many: small tables are read whole. */
    async function addNeighbours(): Promise<void> {
      await fillTables(session, { count: 40, prefix: "neighbour-" });
      for (const name of ["webhooks", "webhook_events", "outbox_events"]) await session.execute(`delete from ${name}`);
      await session.execute("analyze");
      await session.execute("update pg_class set reltuples = 1e7 where relispartition and relkind = 'r'");
    }

    const ran = (statement: string | { text: string }) => {
      const text = typeof statement === "string" ? statement : statement.text;
      return plans.statements.filter((each) => each.text.trim() === text.trim());
    };

    it("answer every call of an SDK from one partition", async () => {
      const { environmentId } = tenant;
      const client = `/api/v2/client/${environmentId}`;
      const { id: surveyId } = await buildSurvey(server.db, { environmentId, document: ANSWERABLE });
      await buildWebhook(server.db, {
        environmentId,
        triggers: ["responseCreated", "responseFinished", "contactCreated", "displayCreated"],
      });
      plans.statements.length = 0;

      await server.request.get(`/api/v1/client/${environmentId}/environment`).expect(200);
      const identify = (userId: string, attributes: object) =>
        server.request.post(`${client}/user`).send({ userId, attributes }).expect(200);
      const { body } = await identify("ada", { plan: "free", email: "ada@example.com" });
      const { contactId } = body.data.state.data;
      await identify("ada", { plan: "pro" });
      await Promise.all(["b", "c", "d"].map((userId) => identify(userId, { plan: "free" })));
      const shown = await Promise.all(
        [contactId, contactId, undefined].map((id) =>
          server.request.post(`${client}/displays`).send({ surveyId, contactId: id }).expect(200),
        ),
      );
      const { body: created } = await server.request
        .post(`${client}/responses`)
        .send({ surveyId, contactId, displayId: shown[0]?.body.data.id, finished: false, data: { q1: "a" } })
        .expect(200);
      await server.request
        .put(`${client}/responses/${created.data.id}`)
        .send({ finished: true, data: { q1: "b" } })
        .expect(200);
      await identify("ada", { plan: "pro" });
      const token = { authorization: `Token ${tenant.apiKey}` };
      await server.request
        .post("/v1/track")
        .set(token)
        .send({ user_id: "ada", event_name: "Paid", metadata: { amount: 5 } })
        .expect(202);

      for (const statement of [FIND, UPDATE, CREATE, CHANGE_RESPONSE, RECORD_EVENTS])
        expect([statement.name, ran(statement).length > 0]).toEqual([statement.name, true]);
      const split = plans.statements.filter((statement) => partitionsIn(statement).length > 0);
      expect(split.length).toBeGreaterThan(15);
      const wide = split
        .filter((statement) => partitionsIn(statement).length > 1)
        .map(({ text, relations }) => [text, relations]);
      expect(wide).toEqual([]);
      expect(new Set(split.flatMap(partitionsIn)).size).toBe(1);
    });

    it("deliver webhooks: what became of one from one partition, what looks for work from all", async () => {
      plans.statements.length = 0;
      const queue = createDeliveryQueue({ db: server.db, now: Date.now });
      while (await queue.expand());
      const claimed = await queue.claim({ webhooks: 10, failing: 1, lanes: [] });
      expect(claimed.length).toBeGreaterThan(0);
      await queue.renew(claimed);
      for (const delivery of claimed) {
        const result = { durationMs: 5, status: 200, error: null };
        await queue.settle(delivery, [{ delivery, startedAt: new Date(), result, verdict: { status: "delivered" } }]);
      }
      await queue.sweep(new Date(Date.now() + 86_400_000));
      expect(await queue.measure()).toMatchObject({ undistributed: 0, sending: 0 });
      for (const statement of [RENEW, RESCHEDULE, SETTLE])
        for (const each of ran(statement))
          expect([statement, each.relations, partitionsIn(each).length]).toEqual([statement, each.relations, 1]);
      expect(ran(SETTLE).length).toBe(claimed.length);
      const wide = plans.statements.filter((statement) => partitionsIn(statement).length > 1).map(({ text }) => text);
      expect(wide.filter((text) => ![CLAIM, EXPAND, LOCK_DUE, MEASURE, SWEEP].includes(text))).toEqual([]);
    });
  });
});

describe("shard-plan", () => {
  it("has a place for every table", async () => {
    const { session } = await createDatabase();
    const { homeless, placed } = placeTables(await readTables(session));
    expect(homeless).toEqual([]);
    expect(placed.filter(({ placement }) => placement === "distributed").length).toBeGreaterThan(20);
    await session.execute(`create table lost (id text primary key, "environmentId" text)`);
    await session.execute("create table loose (id text primary key)");
    expect(placeTables(await readTables(session)).homeless).toEqual(["loose", "lost"]);
  });

  it("distributes each table after those it refers to, all of an environment together, and touches no other key", async () => {
    const { session } = await createDatabase();
    const { placed } = placeTables(await readTables(session));
    const plan = formatShardPlan(placed);
    const order = [...plan.matchAll(/^select create_(?:reference|distributed)_table\('"(\w+)"'/gm)].map(([, name]) => name);
    for (const { table } of placed)
      for (const { target } of table.foreignKeys)
        expect([table.name, target, order.indexOf(target) <= order.indexOf(table.name)]).toEqual([table.name, target, true]);
    expect(plan).toContain(
      `select create_distributed_table('"contacts"', 'environmentId', colocate_with => '"action_classes"');`,
    );
    expect(plan).not.toMatch(/"environmentId".* ON UPDATE/);
    expect(plan).toContain("-- audit_log stays on the coordinator");
    // All but Citus' own statements are run here.
    const ours = plan.replace(/^(select create_|create extension).*$/gm, "");
    await session.execute(ours);
    await fillTables(session, { count: 2 });
  });
});
