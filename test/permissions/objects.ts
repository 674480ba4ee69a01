/** Two tenants with the same set of objects, and what has changed of them. */
import { randomBytes } from "node:crypto";
import type { Database } from "../../src/db/database.ts";
import { newId } from "../../src/shared/ids.ts";
import { buildContact, buildProject, buildSurvey, type Tenant } from "../support/build.ts";

/** What the id in a request may be of. */
const KINDS = [
  "environment",
  "organization",
  "project",
  "apiKey",
  "survey",
  "contact",
  "otherContact",
  "company",
  "userId",
  "actionClass",
  "attributeKey",
  "response",
  "segment",
  "language",
  "quota",
  "tag",
  "otherTag",
  "taggedResponse",
  "webhook",
  "delivery",
  "team",
  "user",
  "member",
  "job",
  "erasure",
] as const;
export type Kind = (typeof KINDS)[number];
export type Ids = Record<Kind, string>;

/** The kinds of ids that a call has. */
export function kindsOf(call: (ids: Ids) => unknown): Kind[] {
  const kinds = new Set<Kind>();
  const ids = Object.fromEntries(KINDS.map((kind) => [kind, ""]));
  for (const kind of KINDS) Object.defineProperty(ids, kind, { get: () => kinds.add(kind) && "" });
  call(toIds(ids));
  return [...kinds];
}

function toIds(ids: Partial<Record<string, string>>): Ids {
  const isComplete = (candidate: object): candidate is Ids => KINDS.every((kind) => kind in candidate);
  if (!isComplete(ids)) throw new Error("An id is missing");
  return ids;
}

const ELEMENT = { id: "q1", type: "openText", headline: { default: "Hi?" }, required: false, inputType: "text" };
const DOCUMENT = {
  blocks: [{ id: newId(), name: "Block 1", elements: [{ ...ELEMENT, charLimit: { enabled: false } }] }],
  singleUse: { enabled: true, isEncrypted: false },
};

/** Makes objects of a tenant's production environment, or of its organization; each answers the id by which it is called. */
export function createObjectMakers(db: Database, { environmentId, organizationId }: Tenant) {
  const { prisma } = db;
  const makers: Record<Kind, () => Promise<string>> = {
    environment: async () => environmentId,
    organization: async () => organizationId,
    project: async () => (await buildProject(db, { organizationId })).projectId,
    /** May read the organization, and no more. */
    apiKey: async () => {
      const id = newId();
      const organizationAccess = { accessControl: { read: true, write: false } };
      await prisma.apiKey.create({ data: { id, organizationId, label: "key", lookupHash: id, organizationAccess } });
      return id;
    },
    survey: async () => (await buildSurvey(db, { environmentId, type: "link", document: DOCUMENT })).id,
    contact: async () => (await buildContact(db, { environmentId, userId: newId(), email: `${newId()}@example.com` })).id,
    otherContact: async () => makers.contact(),
    company: async () => {
      const id = newId();
      await prisma.company.create({ data: { id, environmentId, companyId: id } });
      return id;
    },
    userId: async () => {
      const userId = `user-${newId()}`;
      await buildContact(db, { environmentId, userId });
      return userId;
    },
    actionClass: async () => {
      const id = newId();
      await prisma.actionClass.create({ data: { id, environmentId, name: `Action ${id}`, type: "code", key: id } });
      return id;
    },
    attributeKey: async () => {
      const id = newId();
      await prisma.contactAttributeKey.create({ data: { id, environmentId, key: `key_${id}` } });
      return id;
    },
    response: async () => {
      const id = newId();
      const surveyId = await makers.survey();
      await prisma.response.create({ data: { id, environmentId, surveyId, finished: true, data: {} } });
      return id;
    },
    segment: async () => {
      const id = newId();
      await prisma.segment.create({ data: { id, environmentId, title: `Segment ${id}`, isPrivate: false } });
      return id;
    },
    language: async () => {
      const id = newId();
      await prisma.language.create({ data: { id, environmentId, code: `code-${id}` } });
      return id;
    },
    /** The ids of a survey and of its quota, with a comma between. */
    quota: async () => {
      const [surveyId, id] = [await makers.survey(), newId()];
      const logic = { connector: "and", conditions: [] };
      await prisma.surveyQuota.create({
        data: { environmentId, id, surveyId, name: `Quota ${id}`, limit: 1, logic, action: "continueSurvey" },
      });
      return `${surveyId},${id}`;
    },
    tag: async () => {
      const id = newId();
      await prisma.tag.create({ data: { id, environmentId, name: `Tag ${id}` } });
      return id;
    },
    otherTag: async () => makers.tag(),
    /** The ids of a response and of its tag, with a comma between. */
    taggedResponse: async () => {
      const [responseId, tagId] = [await makers.response(), await makers.tag()];
      await prisma.responseTag.create({ data: { environmentId, responseId, tagId } });
      return `${responseId},${tagId}`;
    },
    webhook: async () => {
      const id = newId();
      await prisma.webhook.create({
        data: { id, environmentId, url: "http://127.0.0.1:9/", triggers: ["responseCreated"], surveyIds: [] },
      });
      return id;
    },
    /** The ids of a webhook and of a delivery of it, with a comma between. */
    delivery: async () => {
      const [webhookId, id, eventId, at] = [await makers.webhook(), randomBytes(32).toString("hex"), newId(), new Date()];
      const event = { id: eventId, environmentId, createdAt: at, type: "responseCreated", subjectId: newId(), payload: {} };
      await prisma.webhookEvent.create({ data: event });
      const delivery = { environmentId, id, webhookId, eventId, subjectId: event.subjectId, createdAt: at, updatedAt: at };
      await prisma.webhookDelivery.create({ data: { ...delivery, status: "failed" } });
      return `${webhookId},${id}`;
    },
    team: async () => {
      const id = newId();
      await prisma.team.create({ data: { id, organizationId, name: `Team ${id}` } });
      return id;
    },
    /** The address of a user. */
    user: async () => {
      const email = `${newId()}@example.com`;
      const user = { create: { id: newId(), email, emailKey: email, name: "User" } };
      await prisma.membership.create({
        data: { organization: { connect: { id: organizationId } }, role: "member", accepted: true, user },
      });
      return email;
    },
    /** The id of a user. */
    member: async () => (await prisma.user.findUniqueOrThrow({ where: { emailKey: await makers.user() } })).id,
    job: async () => {
      const id = newId();
      const at = new Date();
      const job = { id, environmentId, type: "import", status: "completed", startedAt: at, finishedAt: at } as const;
      await prisma.job.create({ data: job });
      return `import:jobs:NX-${environmentId}:${id}`;
    },
    erasure: async () => {
      const id = globalThis.crypto.randomUUID();
      const runAt = new Date(Date.now() + 86_400_000);
      await prisma.erasure.create({ data: { id, environmentId, runAt, mode: "delete", source: "sprig", targets: {} } });
      return id;
    },
  };
  return { all: () => some(KINDS).then(toIds), some };

  async function some(kinds: readonly Kind[]): Promise<Partial<Ids>> {
    return Object.fromEntries(await Promise.all(kinds.map(async (kind) => [kind, await makers[kind]()] as const)));
  }
}

/** A sum over every row of the tenant, in every table that says whose its rows are; the use of keys is not counted. */
export async function digest(db: Database, { environmentId, developmentId, organizationId }: Tenant): Promise<string[]> {
  const columns = await db.query<{ table: string; column: string }>(
    `select c.table_name as table, c.column_name as column from information_schema.columns c
     join information_schema.tables t using (table_schema, table_name)
     where c.table_schema = 'public' and t.table_type = 'BASE TABLE'
       and c.column_name in ('environmentId', 'organizationId') and c.table_name <> 'api_keys'
     order by 1, 2`,
  );
  const parts = columns.map(
    ({ table, column }) =>
      `select '${table}' || ' ' || count(*) || ' ' || coalesce(md5(string_agg(t::text, '|' order by t::text)), '') as sum
       from "${table}" t where t."${column}" = any($1::text[])`,
  );
  const rows = await db.query<{ sum: string }>(parts.join("\nunion all\n"), [[environmentId, developmentId, organizationId]]);
  return rows.map(({ sum }) => sum);
}
