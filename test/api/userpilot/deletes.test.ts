/** Deletion through the Userpilot contract, and that nothing of the person is left anywhere. */
import { Writable } from "node:stream";
import { pino } from "pino";
import supertest from "supertest";
import { afterAll, beforeAll, beforeEach, describe, expect, inject, it, vi } from "vitest";
import { readConfig } from "../../../src/config/env.ts";
import { createServer } from "../../../src/server.ts";
import { newId } from "../../../src/shared/ids.ts";
import { buildTenant, buildWebhook } from "../../support/build.ts";
import { envelope, type OpenTenant, openTenant, startTestServer, type TestServer } from "./support.ts";

let server: TestServer;
let tenant: OpenTenant;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.close());
beforeEach(async () => {
  tenant = await openTenant(server);
});

const remove = (path: string, body?: object) => tenant.call("delete", path).send(body);
const gone = (find: () => Promise<unknown>) =>
  vi.waitFor(async () => expect(await find()).toBeNull(), { timeout: 15_000, interval: 30 });

describe("DELETE /v1/users", () => {
  it("answers 202 with the number of different ids, and deletes those that exist", async () => {
    for (const user_id of ["a%b", "b"]) await tenant.post("/v1/track", { user_id, event_name: "e" }).expect(202);
    const { body } = await remove("/v1/users", { users: ["a%b", "a%b", "", null, "nobody"] }).expect(202);
    expect(body).toEqual({ message: "2 users have been scheduled for deletion" });
    await gone(() => tenant.contact("a%b"));
    expect(await tenant.contact("b")).not.toBeNull();
    expect(await tenant.events()).toHaveLength(1);
    expect((await remove("/userpilot/v1/users", { users: ["b"] }).expect(202)).body).toEqual({
      message: "1 user has been scheduled for deletion",
    });
    await gone(() => tenant.contact("b"));
  });

  it("is not undone by a late event, but by a new identify", async () => {
    await tenant.post("/v1/identify", { user_id: "u" });
    await remove("/v1/users", { users: ["u"] }).expect(202);
    await gone(() => tenant.contact("u"));
    await tenant.post("/v1/track", { user_id: "u", event_name: "late" }).expect(202);
    expect(await tenant.contact("u")).toBeNull();
    const row = { event_type: "track", user_id: "u", event_name: "old", inserted_at: "2024-01-01", source: "backend-http" };
    const { body: job } = await tenant
      .call("post", "/v1/imports")
      .attach("file", Buffer.from(JSON.stringify(row)), { filename: "x.ndjson" });
    expect(await tenant.jobDone(job.job_id)).toMatchObject({ failed_rows: [{ row: 1, id: null, error_code: "erased" }] });
    expect(await tenant.contact("u")).toBeNull();
    await tenant.post("/v1/identify", { user_id: "u" }).expect(202);
    expect(await tenant.contact("u")).not.toBeNull();
  });

  it.each([
    ["empty_list", {}],
    ["empty_list", { users: [] }],
    ["empty_list", { users: ["", " ", null] }],
    ["invalid_type", { users: "u" }],
    ["invalid_type", { users: [{}] }],
  ])("answers 400 %s: %j", async (slug, body) => {
    expect((await remove("/v1/users", body).expect(400)).body).toEqual(envelope(400, slug));
  });

  it("answers 400 invalid_json without a body", async () => {
    expect((await remove("/v1/users").expect(400)).body).toEqual(envelope(400, "invalid_json"));
  });

  it("waits as long as is configured", async () => {
    const slow = await startTestServer({ USERPILOT_DELETE_DELAY_SECONDS: 3_600 });
    try {
      const other = await openTenant(slow);
      await other.post("/v1/identify", { user_id: "u" });
      await other
        .call("delete", "/v1/users")
        .send({ users: ["u"] })
        .expect(202);
      const [erasure] = await slow.db.prisma.erasure.findMany({ where: { environmentId: other.environmentId } });
      expect(erasure?.runAt.getTime()).toBeGreaterThan(Date.now() + 3_000_000);
      expect(await other.contact("u")).not.toBeNull();
    } finally {
      await slow.close();
    }
  });
});

describe("DELETE /v1/companies", () => {
  it("deletes companies and leaves their users", async () => {
    await tenant.post("/v1/identify", { user_id: "u", company: { id: "acme", plan: "pro" } });
    const { body } = await remove("/v1/companies", { companies: ["acme", 5] }).expect(202);
    expect(body).toEqual({ message: "2 companies have been scheduled for deletion" });
    await gone(() => tenant.company("acme"));
    expect(await tenant.contact("u")).toMatchObject({ companyId: null });
  });
});

describe("nothing of an erased person is left", () => {
  /** Texts that occur nowhere else. */
  const secretsOf = (mark: string) => ({
    userId: `person-${mark}`,
    email: `${mark}@secret.example`,
    city: `Xanadu-${mark}`,
    event: `Bought-${mark}`,
  });

  it.each([
    ["DELETE /v1/users", "anonymise", "7f3a"],
    ["DELETE /v1/users", "delete", "8e2b"],
    ["POST /v2/purge/visitors", "anonymise", "9d1c"],
    ["POST /v2/purge/visitors", "delete", "5b6d"],
  ] as const)(
    "in any table, any task or the log, after %s with ERASURE_MODE=%s",
    async (call, mode, mark) => {
      const secrets = secretsOf(mark);
      const lines: string[] = [];
      const log = pino(
        { level: "trace" },
        new Writable({
          write: (chunk, _encoding, done) => {
            lines.push(String(chunk));
            done();
          },
        }),
      );
      const written = () => lines.join("");
      const config = {
        ...readConfig({ RATE_LIMIT: "off", DATABASE_POOL_SIZE: "4" }),
        ENCRYPTION_KEY: "an encryption key for tests only, 0123456789",
        ERASURE_MODE: mode,
      };
      const logged = await createServer({ config, url: inject("databaseUrl"), log });
      await logged.app.listen({ host: "127.0.0.1", port: 0 });
      try {
        const { environmentId, apiKey } = await buildTenant(logged.db);
        // Nobody delivers: what webhooks are to be told waits in tables.
        await buildWebhook(logged.db, {
          environmentId,
          triggers: ["contactCreated", "contactUpdated", "contactDeleted", "eventTracked"],
        });
        const agent = supertest(logged.app.server);
        const post = (path: string, body: object) =>
          agent.post(path).set("authorization", `Token ${apiKey}`).send(body).expect(202);
        const { userId, email, city, event } = secrets;
        await post("/v1/identify", {
          user_id: userId,
          metadata: { email, city, notes: { text: city } },
          company: { id: "acme" },
        });
        await post("/v1/track", { user_id: userId, event_name: event, metadata: { city }, message_id: `${userId}-1` });
        await post("/v1/identify", { user_id: "other", metadata: { email } }); // a clash, which is warned of
        await agent
          .post("/v2/users")
          .set("authorization", `API-Key ${apiKey}`)
          .send({ userId, emailAddress: email, attributes: { city }, events: [{ event, timestamp: 1_612_739_790_947 }] })
          .expect(202);
        const contact = await logged.services.contacts.find(environmentId, { userId });
        await storeAnswer(environmentId, contact?.id ?? "", { userId, email, city });
        const { body: failing } = await post("/v1/users/bulk_identify", {
          users: [{ user_id: userId, metadata: [city] }, { user_id: "b" }],
        });
        await vi.waitFor(async () =>
          expect((await logged.services.jobs.find(environmentId, idOf(failing.job_id))).status).toBe("completed"),
        );
        await storeWaitingRows(environmentId, { userId, email, city });
        const line = {
          event_type: "track",
          event_name: event,
          inserted_at: "2024-01-01",
          source: "backend-http",
          metadata: { city },
        };
        const upload = async (rows: object[]) => {
          const file = Buffer.from(rows.map((row) => JSON.stringify(row)).join("\n"));
          const request = agent.post("/v1/imports").set("authorization", `Token ${apiKey}`);
          const { body } = await request.attach("file", file, { filename: "history.ndjson" }).expect(200);
          await vi.waitFor(async () =>
            expect((await logged.services.jobs.find(environmentId, idOf(body.job_id))).status).toBe("completed"),
          );
        };
        await upload([
          { ...line, user_id: userId },
          { ...line, user_id: userId, inserted_at: city },
        ]);
        const texts = Object.values(secrets);
        expect(texts.filter((text) => written().includes(text))).toEqual([]);
        expect((await findEverywhere(texts)).size).toBeGreaterThan(5);

        if (call === "DELETE /v1/users")
          await agent
            .delete("/v1/users")
            .set("authorization", `Token ${apiKey}`)
            .send({ users: [userId] })
            .expect(202);
        else
          await agent
            .post("/v2/purge/visitors")
            .set("authorization", `API-Key ${apiKey}`)
            .send({ userIds: [userId], emails: [email], delaySeconds: 0 })
            .expect(200);
        await vi.waitFor(
          async () => {
            const [erasure] = await logged.db.prisma.erasure.findMany({ where: { environmentId } });
            expect(erasure?.status).toBe("completed");
          },
          { timeout: 15_000, interval: 50 },
        );
        await post("/v1/track", { user_id: userId, event_name: event });
        await upload([{ ...line, user_id: userId }]);

        expect([...(await findEverywhere(texts))]).toEqual([]);
        expect(written()).not.toBe("");
        expect(texts.filter((text) => written().includes(text))).toEqual([]);
      } finally {
        await logged.close();
      }
    },
    60_000,
  );

  const idOf = (jobId: string) => jobId.split(":").at(-1) ?? "";

  /** An answer as it is stored, and the notice of it that waits for webhooks. */
  async function storeAnswer(environmentId: string, contactId: string, person: object): Promise<void> {
    const surveyId = newId();
    const responseId = newId();
    const { prisma } = server.db;
    await prisma.survey.create({ data: { environmentId, id: surveyId, name: "s", type: "app", document: {} } });
    await prisma.display.create({ data: { environmentId, id: newId(), surveyId, contactId } });
    await prisma.response.create({
      data: {
        environmentId,
        id: responseId,
        surveyId,
        contactId,
        finished: true,
        data: { q: "fine" },
        meta: { person: { ...person } },
        contactAttributes: { ...person },
      },
    });
    await prisma.webhookEvent.create({
      data: {
        environmentId,
        id: newId(),
        createdAt: new Date(),
        type: "responseCreated",
        surveyId,
        subjectId: responseId,
        payload: { ...person },
      },
    });
    await server.db.query(
      `insert into outbox_events ("environmentId", id, type, "surveyId", "responseId", payload)
       values ($1, $2, (enum_range(null::response_event_type))[1], $3, $4, $5::jsonb)`,
      [environmentId, newId(), surveyId, responseId, JSON.stringify(person)],
    );
  }

  /** A list that has not been worked on: it belongs to a job that nobody runs. */
  async function storeWaitingRows(environmentId: string, person: { userId: string; email: string; city: string }): Promise<void> {
    const row = (userId: string, attributes: object) => ({ kind: "contact", userId, attributes });
    const id = newId();
    await server.db.prisma.job.create({ data: { environmentId, id, type: "bulk_identify_users", status: "receiving" } });
    await server.db.query(`insert into job_chunks ("environmentId", "jobId", position, rows) values ($1, $2, 0, $3::jsonb)`, [
      environmentId,
      id,
      JSON.stringify([
        [1, row(person.userId, { city: person.city })],
        [2, row("someone", { plan: "pro" })],
        [3, row("alias", { email: person.email, city: person.city })],
      ]),
    ]);
  }

  /** `schema.table: text` wherever one of the texts occurs in any column of a row, in capitals or not. */
  async function findEverywhere(texts: readonly string[]): Promise<Set<string>> {
    const tables = await server.db.query<{ name: string }>(
      `select format('%I.%I', n.nspname, c.relname) as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
       where c.relkind in ('r', 'p', 'm') and n.nspname not in ('pg_catalog', 'information_schema', 'pg_toast')`,
    );
    expect(tables.map(({ name }) => name)).toEqual(expect.arrayContaining(["public.contacts", "graphile_worker._private_jobs"]));
    const found = new Set<string>();
    for (const { name } of tables) {
      const rows = await server.db.query<{ text: string }>(
        `select distinct s.text from ${name} t, unnest($1::text[]) as s(text) where position(lower(s.text) in lower(t::text)) > 0`,
        [texts],
      );
      for (const { text } of rows) found.add(`${name}: ${text}`);
    }
    return found;
  }
});
