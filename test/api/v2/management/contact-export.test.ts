/** One person's data: GET /api/v2/management/contacts/{id}/export, and DELETE, after which nothing of it is left. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { pino } from "pino";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { migrate } from "../../../../src/db/migrate.ts";
import { newId } from "../../../../src/shared/ids.ts";
import { buildApiKey, buildContact, buildSurvey, buildTenant, type Tenant } from "../../../support/build.ts";
import { createEmptyDatabase, type EmptyDatabase } from "../../../support/empty-database.ts";
import { ANSWERABLE } from "../../../support/responses.ts";
import { startTestServer, type TestServer } from "../../../support/server.ts";
import { makeTemporaryFolder } from "../../../support/temporary-folder.ts";

const folder = makeTemporaryFolder();
/** Of its own: tasks of a shared one may be done by another test's server, which has other files. */
let database: EmptyDatabase;
let server: TestServer;
let tenant: Tenant;
let neighbour: Tenant;
beforeAll(async () => {
  database = await createEmptyDatabase();
  await migrate({ url: database.url, log: pino({ level: "silent" }) });
  server = await startTestServer({ DATA_DIR: folder.path, DATABASE_URL: database.url });
  [tenant, neighbour] = [await buildTenant(server.db), await buildTenant(server.db)];
});
afterAll(async () => {
  await server.close();
  await database.drop();
  folder.remove();
});

const CONTACTS = "/api/v2/management/contacts";
const send = (method: "get" | "delete" | "post", path: string, { apiKey }: Pick<Tenant, "apiKey"> = tenant) =>
  server.request[method](`${CONTACTS}/${path}`).set("x-api-key", apiKey);
const ISO = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
const linesOf = ({ text }: { text: string }): { type: string; data: Record<string, unknown> }[] =>
  text
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));

/** Sends a file as an SDK does; returns its path on the server. */
async function upload(surveyId: string, name: string): Promise<string> {
  const { environmentId } = tenant;
  const asked = { fileName: name, fileType: "text/plain", surveyId, elementId: "file" };
  const { body } = await server.request.post(`/api/v1/client/${environmentId}/storage`).send(asked).expect(200);
  const { signedUrl, fileUrl, presignedFields, signingData } = body.data;
  const url = new URL(signedUrl);
  const form = server.request.post(url.pathname + url.search);
  if (signingData)
    form.set({ "x-signature": signingData.signature, "x-timestamp": String(signingData.timestamp), "x-uuid": signingData.uuid });
  for (const [field, value] of Object.entries<string>(presignedFields ?? {})) form.field(field, value);
  const { status, text } = await form.attach("file", Buffer.from("a secret"), { filename: name, contentType: "text/plain" });
  if (status > 299) throw new Error(`${status} ${text}`);
  return fileUrl;
}

/** A person with a company, an alias, a display, an answered survey with a file, and events. */
async function buildPerson() {
  const { environmentId } = tenant;
  const marks = { userId: `user-${newId()}`, former: `former-${newId()}`, city: `city-${newId()}`, file: `file-${newId()}.txt` };
  const email = `${newId()}@example.com`;
  const survey = await buildSurvey(server.db, { environmentId, document: ANSWERABLE });
  const company = { environmentId, id: newId(), companyId: newId() };
  await server.db.prisma.company.create({ data: company });
  const contact = await buildContact(server.db, { environmentId, userId: marks.userId, email, attributes: { city: marks.city } });
  const former = await buildContact(server.db, { environmentId, userId: marks.former });
  const { id } = contact;
  await server.db.prisma.contact.update({
    where: { environmentId_id: { environmentId, id } },
    data: { companyId: company.id },
  });
  await server.request
    .post(`${CONTACTS}/${id}/merge`)
    .set("x-api-key", tenant.apiKey)
    .send(JSON.stringify({ from: former.id }))
    .expect(200);
  const fileUrl = await upload(survey.id, marks.file);
  const client = `/api/v2/client/${environmentId}`;
  await server.request.post(`${client}/displays`).send({ surveyId: survey.id, contactId: id }).expect(200);
  await server.request
    .post(`${client}/responses`)
    .send({ surveyId: survey.id, contactId: id, finished: true, data: { q1: marks.city, file: [fileUrl] } })
    .expect(200);
  const event = { environmentId, contactId: id, name: "Moved", source: "test", properties: { to: marks.city } };
  await server.db.prisma.event.createMany({
    data: Array.from({ length: 450 }, () => ({ ...event, id: newId(), occurredAt: new Date() })),
  });
  return { id, formerId: former.id, email, fileUrl, survey, company, marks };
}

const OUR_ID = /^c[a-z0-9]{24}$/;
const pathOf = (fileUrl: string) =>
  join(folder.path, "uploads", ...new URL(fileUrl, "http://x").pathname.split("/").slice(2).map(decodeURIComponent));

/**
 * `schema.table: text` wherever one of the texts occurs in a row. The audit log, to which rows are only added, keeps our
 * own ids of what was written, and nothing else of a person.
 */
async function findEverywhere(texts: readonly string[]): Promise<string[]> {
  const tables = await server.db.query<{ name: string }>(
    `select format('%I.%I', table_schema, table_name) as name from information_schema.tables
     where table_schema in ('public', 'graphile_worker') and table_type = 'BASE TABLE'`,
  );
  const found: string[] = [];
  for (const { name } of tables)
    for (const text of texts) {
      const rows = await server.db.query(`select 1 from ${name} t where position($1 in t::text) > 0 limit 1`, [text]);
      const isAudited = name === "public.audit_log" && OUR_ID.test(text);
      if (rows.length > 0 && !isAudited) found.push(`${name}: ${text}`);
    }
  return found;
}

describe("GET /api/v2/management/contacts/{id}/export", () => {
  it("answers 200 with a line for everything that is stored", async () => {
    const { id, formerId, email, fileUrl, survey, company, marks } = await buildPerson();
    const response = await send("get", `${formerId}/export`)
      .buffer(true)
      .parse((stream, done) => {
        const parts: Buffer[] = [];
        stream.on("data", (part: Buffer) => parts.push(part));
        stream.on("end", () => done(null, Buffer.concat(parts).toString()));
      })
      .expect(200)
      .expect("content-type", "application/x-ndjson; charset=utf-8");
    const lines = linesOf({ text: response.body });
    expect(lines[0]).toEqual({
      type: "contact",
      data: expect.objectContaining({
        id,
        userId: marks.userId,
        email,
        attributes: { city: marks.city },
        aliases: [{ id: formerId, userId: marks.former, mergedAt: ISO }],
      }),
    });
    const counts: Record<string, number> = {};
    for (const { type } of lines) counts[type] = (counts[type] ?? 0) + 1;
    expect(counts).toEqual({ contact: 1, company: 1, display: 1, response: 1, file: 1, event: 450, end: 1 });
    const of = (type: string) => lines.find((line) => line.type === type)?.data;
    expect(of("company")).toEqual({ id: company.id, companyId: company.companyId, attributes: {} });
    expect(of("display")).toEqual({ id: expect.any(String), createdAt: ISO, surveyId: survey.id });
    expect(of("response")).toMatchObject({ surveyId: survey.id, finished: true, data: { q1: marks.city } });
    expect(of("file")).toMatchObject({ elementId: "file", url: expect.stringContaining(new URL(fileUrl, "http://x").pathname) });
    expect(of("event")).toMatchObject({ name: "Moved", properties: { to: marks.city }, occurredAt: ISO });
    expect(lines.at(-1)).toEqual({ type: "end", data: { displays: 1, responses: 1, files: 1, events: 450 } });
  });

  it("answers 404, 422, and 401 for a neighbour's contact", async () => {
    const foreign = await buildContact(server.db, { environmentId: neighbour.environmentId, userId: newId() });
    await send("get", `${newId()}/export`).expect(404);
    await send("get", "No!/export").expect(422);
    await send("get", `${foreign.id}/export`).expect(401);
  });
});

describe("DELETE /api/v2/management/contacts/{id}", () => {
  it("leaves nothing of the person in any table, and no file", async () => {
    const { id, formerId, email, fileUrl, marks } = await buildPerson();
    const other = await buildPerson();
    const texts = [id, formerId, email, ...Object.values(marks)];
    expect((await findEverywhere(texts)).length).toBeGreaterThan(5);
    expect(existsSync(pathOf(fileUrl))).toBe(true);
    await send("delete", id).expect(200);
    await expect.poll(() => existsSync(pathOf(fileUrl))).toBe(false);
    await expect.poll(() => findEverywhere(texts)).toEqual([]);
    expect(existsSync(pathOf(other.fileUrl))).toBe(true);
    await send("get", id).expect(404);
    await send("delete", formerId).expect(404);
  });

  it("needs the level manage", async () => {
    const { id } = await buildContact(server.db, { environmentId: tenant.environmentId, userId: newId() });
    const apiKey = await buildApiKey(server.db, { ...tenant, permissions: { [tenant.environmentId]: "write" } });
    await send("delete", id, { apiKey }).expect(401);
    await send("delete", id).expect(200);
  });
});

describe("an erasure", () => {
  it.each(["delete", "anonymise"] as const)("(%s) reaches the person by a former user id, and their files", async (mode) => {
    const { id, formerId, email, fileUrl, marks } = await buildPerson();
    const { city, ...ids } = marks;
    const { erasures } = server.services;
    const erasure = await erasures.request({
      environmentId: tenant.environmentId,
      targets: { userIds: [marks.former] },
      mode,
      delaySeconds: 0,
      apiKeyId: null,
      source: "test",
    });
    await expect.poll(async () => (await erasures.find(tenant.environmentId, erasure.id)).status).toBe("completed");
    await expect.poll(() => existsSync(pathOf(fileUrl))).toBe(false);
    const texts = [id, formerId, email, ...Object.values(ids), ...(mode === "delete" ? [city] : [])];
    await expect.poll(() => findEverywhere(texts)).toEqual([]);
    const answers = await server.db.prisma.response.findMany({ where: { environmentId: tenant.environmentId, contactId: null } });
    if (mode === "anonymise") expect(answers.map(({ data }) => data)).toContainEqual({ q1: city, file: [] });
    const { suppressions } = {
      suppressions: await server.db.prisma.suppression.count({ where: { environmentId: tenant.environmentId } }),
    };
    expect(suppressions).toBeGreaterThanOrEqual(3); // both user ids and the address
  });
});
