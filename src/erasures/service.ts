import { createHmac, hkdfSync, randomUUID } from "node:crypto";
import { inBatches } from "../db/batches.ts";
import type { Database, Transaction } from "../db/database.ts";
import { addTask, removeTask, type TaskHandler } from "../db/job-queue.ts";
import { type Actor, runAsActor } from "../db/write-scope.ts";
import type { EnvironmentService } from "../environments/service.ts";
import { conflict, notFound } from "../shared/problem.ts";
import type { Outbox } from "../webhooks/service.ts";
import type { Identity, Suppression } from "./suppression.ts";

export { createSuppression, type Suppression } from "./suppression.ts";

/** Whom or what to forget. Whoever does not exist is ignored. */
export interface ErasureTargets {
  userIds?: readonly string[];
  emails?: readonly string[];
  /** Our second ids of contacts, UUIDs. */
  visitorIds?: readonly string[];
  /** The customer's ids of companies: their attributes are deleted, their persons stay and belong to none. */
  companyIds?: readonly string[];
}

/**
 * `delete`: a person's answers go too. `anonymise`: answers and displays stay for the statistics, without link to the
 * person, without the attributes kept with them, and without what is known of the browser. The files that the person
 * sent are deleted in either case.
 */
export type ErasureMode = "delete" | "anonymise";

export interface ErasureInput {
  environmentId: string;
  targets: ErasureTargets;
  mode: ErasureMode;
  /** 0: at once. Until then the request can be cancelled. */
  delaySeconds: number;
  /** Whether late events must not bring the person back; default true. */
  suppress?: boolean;
  apiKeyId: string | null;
  /** The contract that brings it. */
  source: string;
}

export interface Erasure {
  id: string;
  environmentId: string;
  status: "pending" | "completed" | "cancelled";
  mode: ErasureMode;
  createdAt: Date;
  runAt: Date;
  finishedAt: Date | null;
  /** What was done, when it was. */
  receipt: ErasureReceipt | null;
}

/** Proof of an erasure. It names nobody: `identities` are keyed hashes. */
export interface ErasureReceipt {
  erasureId: string;
  environmentId: string;
  requestedAt: string;
  finishedAt: string;
  mode: ErasureMode;
  /** How many rows were deleted, or for `anonymise` how many displays and responses were unlinked. */
  contacts: number;
  companies: number;
  events: number;
  displays: number;
  responses: number;
  identities: string[];
  /** HMAC-SHA256 of the rest as JSON, by a key of the installation. */
  signature: string;
}

export type ErasureService = ReturnType<typeof createErasureService>;

const TASK = "erase";
const FILES_TASK = "erase_files";

/** Events deleted by one statement before the contact itself goes. */
const EVENT_BATCH = 10_000;

/** How long a finished request is kept with its receipt. */
const KEEP_DAYS = 400;

/**
 * Erasures: persons and companies are forgotten at once or later; afterwards no table, task or log has anything of
 * theirs but hashes.
 */
export function createErasureService({
  db,
  environments,
  suppression,
  outbox,
  encryptionKey,
  now,
  discardFiles,
}: {
  db: Database;
  environments: EnvironmentService;
  suppression: Suppression;
  outbox: Outbox;
  encryptionKey: string;
  now: () => number;
  /** Deletes the files of answers that are no more; it is repeated when it throws. */
  discardFiles: (answers: { environmentId: string; surveyId: string; data: Record<string, unknown> }) => Promise<void>;
}) {
  const signingKey = Buffer.from(hkdfSync("sha256", encryptionKey, "", "mortar erasure receipt v1", 32));
  const tasks: Record<string, TaskHandler> = { [TASK]: run, [FILES_TASK]: eraseFiles };
  return { request, findKnown, carryOut, find, cancel, resume, deleteExpired, eraseContact, tasks };

  /** Notes the request and has it carried out when its time comes. */
  async function request(input: ErasureInput): Promise<Erasure> {
    const { environmentId, targets, mode, delaySeconds, suppress = true, apiKeyId, source } = input;
    const id = randomUUID();
    const createdAt = new Date(now());
    const runAt = new Date(now() + delaySeconds * 1_000);
    await db.transaction(async (tx) => {
      await tx.query(
        `insert into erasures ("environmentId", id, "createdAt", "updatedAt", "runAt", mode, suppress, "apiKeyId", source, targets)
         values ($1, $2, $3, $3, $4, $5::erasure_mode, $6, $7, $8, $9::jsonb)`,
        [environmentId, id, createdAt, runAt, mode, suppress, apiKeyId, source, JSON.stringify(targets)],
      );
      await schedule(tx, environmentId, id, runAt);
    });
    return { id, environmentId, status: "pending", mode, createdAt, runAt, finishedAt: null, receipt: null };
  }

  /** The persons among the targets who exist; null when there are none. For callers who must not erase those to come. */
  async function findKnown(environmentId: string, targets: ErasureTargets): Promise<ErasureTargets | null> {
    const { userIds = [], emails = [], visitorIds = [] } = targets;
    const known = await findContacts(db, environmentId, targets);
    if (known.length === 0) return null;
    const ids = new Set(known.flatMap(({ userId, formerUserIds }) => [...formerUserIds, ...(userId === null ? [] : [userId])]));
    const addresses = new Set(known.flatMap(({ email }) => email ?? []));
    const visitors = new Set(known.flatMap(({ visitorId, formerVisitorIds }) => [visitorId, ...formerVisitorIds]));
    return {
      userIds: userIds.filter((id) => ids.has(id)),
      emails: emails.filter((email) => addresses.has(email)),
      visitorIds: visitorIds.filter((id) => visitors.has(id.toLowerCase())),
    };
  }

  /** Carries a pending request out now. Safe beside its task, which does it when this fails. */
  function carryOut(environmentId: string, erasureId: string): Promise<void> {
    return run({ environmentId, erasureId });
  }

  /** Throws `not_found` (erasure). */
  async function find(environmentId: string, id: string): Promise<Erasure> {
    const [row] = UUID_PATTERN.test(id)
      ? await db.query<Erasure>(`select ${COLUMNS} from erasures where "environmentId" = $1 and id = $2`, [environmentId, id])
      : [];
    if (!row) throw notFound("erasure", id);
    return row;
  }

  /** Takes a request back that has not been carried out. Throws `not_found` (erasure), `conflict` when it has been. */
  async function cancel(environmentId: string, id: string): Promise<Erasure> {
    await find(environmentId, id);
    const rows = await db.transaction(async (tx) => {
      await removeTask(tx, keyOf(id));
      return tx.query(
        `update erasures set status = 'cancelled', targets = null, "finishedAt" = now(), "updatedAt" = now()
         where "environmentId" = $1 and id = $2 and status = 'pending' returning id`,
        [environmentId, id],
      );
    });
    const erasure = await find(environmentId, id);
    if (rows.length === 0 && erasure.status === "completed") throw conflict("status", "The erasure has been carried out");
    return erasure;
  }

  /** Schedules anew what is pending, in case its task was lost with the process that ran it. */
  async function resume(): Promise<void> {
    const rows = await db.query<{ environmentId: string; id: string; runAt: Date }>(
      `select "environmentId", id, "runAt" from erasures where status = 'pending'`,
    );
    for (const { environmentId, id, runAt } of rows) await db.transaction((tx) => schedule(tx, environmentId, id, runAt));
  }

  /** Deletes requests that were finished long ago; returns how many. */
  async function deleteExpired(): Promise<number> {
    const before = new Date(now() - KEEP_DAYS * 24 * 60 * 60_000);
    return await inBatches(async (limit) => (await db.query(DELETE_EXPIRED, [before, limit])).length);
  }

  function schedule(tx: Transaction, environmentId: string, erasureId: string, runAt: Date): Promise<void> {
    return addTask(tx, { name: TASK, payload: { environmentId, erasureId }, key: keyOf(erasureId), runAt });
  }

  /** Carries a request out in the name of who made it; nothing happens when that was done or it was cancelled. */
  async function run({ environmentId = "", erasureId = "" }: Record<string, string>): Promise<void> {
    const [asked] = await db.query<Pick<Actor, "apiKeyId" | "organizationId">>(
      `select r."apiKeyId", p."organizationId" from erasures r
       join environments e on e.id = r."environmentId" join projects p on p.id = e."projectId"
       where r."environmentId" = $1 and r.id = $2 and r."apiKeyId" is not null`,
      [environmentId, erasureId],
    );
    const work = () => runNow(environmentId, erasureId);
    await (asked ? runAsActor({ ...asked, requestId: erasureId, operation: TASK }, work) : work());
  }

  async function runNow(environmentId: string, erasureId: string): Promise<void> {
    await deleteEventsOf(environmentId, erasureId);
    await db.transaction(async (tx) => {
      const [erasure] = await tx.query<PendingErasure>(
        `select ${COLUMNS}, suppress, targets from erasures
         where "environmentId" = $1 and id = $2 and status = 'pending' for update`,
        [environmentId, erasureId],
      );
      if (!erasure) return;
      const { targets, mode, suppress } = erasure;
      // First what has yet to be written: a list that is being worked on is finished before its rows are looked at.
      const known = await findContacts(tx, environmentId, targets);
      await eraseFromJobs(tx, environmentId, identitiesOf(targets, known), targets.companyIds ?? []);
      const contacts = await findContacts(tx, environmentId, targets, "for update of c");
      const counts = await eraseContacts(
        tx,
        environmentId,
        contacts.map(({ id }) => id),
        mode,
      );
      await tellDeletions(tx, environmentId, contacts);
      const companies = await eraseCompanies(tx, environmentId, targets.companyIds ?? []);
      const hashes = identitiesOf(targets, contacts).map((identity) => suppression.hash(environmentId, identity));
      const finishedAt = new Date(now());
      if (suppress) await suppressAll(tx, environmentId, hashes, finishedAt);
      const receipt = sign({
        erasureId,
        environmentId,
        requestedAt: erasure.createdAt.toISOString(),
        finishedAt: finishedAt.toISOString(),
        mode,
        contacts: contacts.length,
        companies,
        ...counts,
        identities: hashes,
      });
      await tx.query(
        `update erasures set status = 'completed', targets = null, receipt = $3::jsonb, "finishedAt" = $4, "updatedAt" = $4
         where "environmentId" = $1 and id = $2`,
        [environmentId, erasureId, JSON.stringify(receipt), finishedAt],
      );
    });
  }

  /**
   * Deletes a contact with all that is theirs, now, inside a transaction; their files follow. The same person may come
   * back. False when there is no such contact.
   */
  async function eraseContact(tx: Transaction, environmentId: string, contactId: string): Promise<boolean> {
    const read = `${SELECT_CONTACTS} and c.id = $2`;
    const known = await tx.query<ErasedContact>(read, [environmentId, contactId]);
    // First what has yet to be written, as a request does it.
    if (known.length > 0) await eraseFromJobs(tx, environmentId, identitiesOf({}, known), []);
    const found = await tx.query<ErasedContact>(`${read} for update of c`, [environmentId, contactId]);
    if (found.length === 0) return false;
    await eraseContacts(tx, environmentId, [contactId], "delete");
    await tellDeletions(tx, environmentId, found);
    return true;
  }

  async function eraseFiles({ environmentId = "", surveyId = "", data = "{}" }: Record<string, string>): Promise<void> {
    await discardFiles({ environmentId, surveyId, data: JSON.parse(data) });
  }

  /** Webhooks are told that the contacts are gone, by nothing but their ids. */
  async function tellDeletions(tx: Transaction, environmentId: string, contacts: readonly ErasedContact[]): Promise<void> {
    const { listenedEvents } = await environments.configuration(environmentId);
    if (!listenedEvents.has("contactDeleted")) return;
    const deletedAt = new Date(now()).toISOString();
    const events = contacts.map(({ id }) => ({
      type: "contactDeleted" as const,
      contactId: id,
      payload: { id, userId: null, email: null, deletedAt },
    }));
    await outbox.append(tx, environmentId, events);
  }

  /** Beforehand and in portions, because a person may have more events than one statement should delete. */
  async function deleteEventsOf(environmentId: string, erasureId: string): Promise<void> {
    const [due] = await db.query<Pick<PendingErasure, "targets">>(
      `select targets from erasures x where x."environmentId" = $1 and x.id = $2 and ${DUE}`,
      [environmentId, erasureId],
    );
    if (!due) return;
    // Looked up first: by what the request says, the statement below would go through all events of the environment.
    const ids = (await findContacts(db, environmentId, due.targets)).map(({ id }) => id);
    for (let count = ids.length === 0 ? 0 : EVENT_BATCH; count === EVENT_BATCH; ) {
      const rows = await db.query(
        `delete from events where "environmentId" = $1 and id = any(array(
           select v.id from events v where v."environmentId" = $1 and v."contactId" = any($3::text[])
             and exists (select from erasures x where x."environmentId" = $1 and x.id = $2 and ${DUE})
           limit ${EVENT_BATCH}
         )) returning id`,
        [environmentId, erasureId, ids],
      );
      count = rows.length;
    }
  }

  function sign(receipt: Omit<ErasureReceipt, "signature">): ErasureReceipt {
    return { ...receipt, signature: createHmac("sha256", signingKey).update(JSON.stringify(receipt)).digest("base64url") };
  }
}

interface PendingErasure extends Erasure {
  suppress: boolean;
  targets: ErasureTargets;
}

interface ErasedContact {
  id: string;
  userId: string | null;
  email: string | null;
  visitorId: string;
  /** Of contacts that were merged into it. */
  formerUserIds: string[];
  formerVisitorIds: string[];
}

const SELECT_CONTACTS = `
  select c.id, c."userId", c.email, c."visitorId",
    array(select a."userId" from contact_aliases a
      where a."environmentId" = c."environmentId" and a."contactId" = c.id and a."userId" is not null) as "formerUserIds",
    array(select a."visitorId"::text from contact_aliases a
      where a."environmentId" = c."environmentId" and a."contactId" = c.id) as "formerVisitorIds"
  from contacts c where c."environmentId" = $1`;

const UUID_PATTERN = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

const DELETE_EXPIRED = `
  delete from erasures where ("environmentId", id) in (
    select "environmentId", id from erasures where status <> 'pending' and "finishedAt" < $1 limit $2)
  returning id`;

const COLUMNS = `id, "environmentId", status, mode, "createdAt", "runAt", "finishedAt", receipt`;

const keyOf = (id: string): string => `erasure:${id}`;

/** Whether the request `x` is to be carried out now. */
const DUE = `x.status = 'pending' and x."runAt" <= now() + interval '1 minute'`;

function findContacts(
  tx: Pick<Transaction, "query">,
  environmentId: string,
  targets: ErasureTargets,
  lock: "" | "for update of c" = "",
): Promise<ErasedContact[]> {
  return tx.query<ErasedContact>(
    `${SELECT_CONTACTS} and (c."userId" = any($2::text[]) or c.email = any($3::text[]) or c."visitorId" = any($4::uuid[])
       or c.id = any(array(select a."contactId" from contact_aliases a
         where a."environmentId" = $1 and (a."userId" = any($2::text[]) or a."visitorId" = any($4::uuid[]))))) ${lock}`,
    [
      environmentId,
      targets.userIds ?? [],
      targets.emails ?? [],
      (targets.visitorIds ?? []).filter((id) => UUID_PATTERN.test(id)),
    ],
  );
}

async function eraseContacts(
  tx: Transaction,
  environmentId: string,
  ids: string[],
  mode: ErasureMode,
): Promise<{ events: number; displays: number; responses: number }> {
  const own = `"environmentId" = $1 and "contactId" = any($2::text[])`;
  const count = async (statement: string) => (await tx.query(`${statement} returning id`, [environmentId, ids])).length;
  const events = await count(`delete from events where ${own}`);
  // What webhooks have not been told of the person and the answers yet, they are not told any more; what was told is forgotten.
  const answers = `select id from responses where ${own}`;
  const aliases = await tx.query<{ id: string }>(`select id from contact_aliases where ${own}`, [environmentId, ids]);
  const told = [environmentId, ids, [...ids, ...aliases.map(({ id }) => id)]];
  await tx.query(
    `delete from outbox_events where "environmentId" = $1 and ("contactId" = any($3::text[]) or "responseId" = any(array(${answers})))`,
    told,
  );
  await tx.query(
    `delete from webhook_events where "environmentId" = $1 and ("subjectId" = any($3::text[]) or "subjectId" = any(array(${answers})))`,
    told,
  );
  await eraseUploads(tx, environmentId, ids, mode);
  const responses = await count(
    mode === "delete"
      ? `delete from responses where ${own}`
      : `update responses set "contactId" = null, "contactAttributes" = null, meta = '{}', "requestKey" = null, "updatedAt" = now() where ${own}`,
  );
  const displays = await count(
    mode === "delete"
      ? `delete from displays where ${own}`
      : `update displays set "contactId" = null, "requestKey" = null, "updatedAt" = now() where ${own}`,
  );
  await tx.query(`delete from contacts where "environmentId" = $1 and id = any($2::text[])`, [environmentId, ids]);
  return { events, displays, responses };
}

/**
 * Has the files of the persons' answers deleted once the transaction is committed. Answers that stay name them no more:
 * a file cannot be made anonymous.
 */
async function eraseUploads(tx: Transaction, environmentId: string, ids: string[], mode: ErasureMode): Promise<void> {
  const answers = await tx.query<{ id: string; surveyId: string; data: Record<string, unknown> }>(
    `select id, "surveyId", data from responses
     where "environmentId" = $1 and "contactId" = any($2::text[]) and strpos(data::text, '${FILE_PATH}') > 0`,
    [environmentId, ids],
  );
  for (const { id, surveyId, data } of answers) {
    const uploads = Object.entries(data).filter(([, value]) => Array.isArray(value) && value.some(isFileUrl));
    if (uploads.length === 0) continue;
    const payload = { environmentId, surveyId, data: JSON.stringify(Object.fromEntries(uploads)) };
    await addTask(tx, { name: FILES_TASK, payload, key: `files:${environmentId}:${id}` });
    if (mode === "delete") continue;
    const emptied = Object.fromEntries(uploads.map(([key]) => [key, []]));
    await tx.query(`update responses set data = data || $3::jsonb where "environmentId" = $1 and id = $2`, [
      environmentId,
      id,
      JSON.stringify(emptied),
    ]);
  }
}

const FILE_PATH = "/storage/";

const isFileUrl = (value: unknown): boolean => typeof value === "string" && value.includes(FILE_PATH);

async function eraseCompanies(tx: Transaction, environmentId: string, companyIds: readonly string[]): Promise<number> {
  if (companyIds.length === 0) return 0;
  const rows = await tx.query<{ id: string }>(
    `select id from companies where "environmentId" = $1 and "companyId" = any($2::text[]) for update`,
    [environmentId, companyIds],
  );
  const ids = rows.map(({ id }) => id);
  // A company may have more persons than one statement can change in its time.
  await inBatches(
    async (limit) =>
      (
        await tx.query(
          `update contacts set "companyId" = null, "updatedAt" = now() where "environmentId" = $1 and id = any(array(
             select id from contacts where "environmentId" = $1 and "companyId" = any($2::text[]) limit $3)) returning id`,
          [environmentId, ids, limit],
        )
      ).length,
  );
  await tx.query(`delete from companies where "environmentId" = $1 and id = any($2::text[])`, [environmentId, ids]);
  return ids.length;
}

/** How many chunks of jobs, of a megabyte at most, and how many jobs' reports one statement goes through. */
const CHUNK_BATCH = 50;
const JOB_BATCH = 200;

/** Whether the row `r` of a chunk is about somebody who is erased: user ids, addresses in lower case, ids of companies. */
const IS_TARGET = `coalesce(
  r -> 1 ->> 'userId' = any($2::text[])
  or lower(r -> 1 -> 'attributes' ->> 'email') = any($3::text[])
  or lower(r -> 1 ->> 'email') = any($3::text[])
  or r -> 1 ->> 'userId' is null and r -> 1 -> 'company' ->> 'companyId' = any($4::text[]), false)`;

/** Goes through the chunks that follow one, and tells the last of them; what is told of none is not there. */
const ERASE_FROM_CHUNKS = `
with page as (
  select "jobId", position from job_chunks where "environmentId" = $1 and ("jobId", position) > ($5::text, $6::int)
  order by "jobId", position limit ${CHUNK_BATCH}
), erased as (
  update job_chunks c set rows = (select coalesce(jsonb_agg(r), '[]') from jsonb_array_elements(c.rows) r where not ${IS_TARGET})
  from page p where c."environmentId" = $1 and c."jobId" = p."jobId" and c.position = p.position
    and exists (select 1 from jsonb_array_elements(c.rows) r where ${IS_TARGET})
)
select "jobId", position from page order by "jobId" desc, position desc limit 1`;

/** The same of the reports of jobs, in which ids become null. */
const ERASE_FROM_REPORTS = `
with page as (
  select id from jobs where "environmentId" = $1 and id > $3 order by id limit ${JOB_BATCH}
), erased as (
  update jobs j set "updatedAt" = now(), "failedRows" = (
    select coalesce(jsonb_agg(case when f ->> 'id' = any($2::text[]) then f || '{"id": null}' else f end), '[]')
    from jsonb_array_elements(j."failedRows") f)
  from page p where j."environmentId" = $1 and j.id = p.id
    and exists (select 1 from jsonb_array_elements(j."failedRows") f where f ->> 'id' = any($2::text[]))
)
select id from page order by id desc limit 1`;

/**
 * Takes the persons and companies out of lists that wait to be processed and out of reports of those that were. A page at a
 * time: lists may have millions of rows, and no statement has more than ten seconds.
 */
async function eraseFromJobs(
  tx: Transaction,
  environmentId: string,
  identities: readonly Identity[],
  companyIds: readonly string[],
): Promise<void> {
  const userIds = identities.flatMap(({ kind, value }) => (kind === "userId" ? value : []));
  const emails = identities.flatMap(({ kind, value }) => (kind === "email" ? value.toLowerCase() : []));
  let chunk: { jobId: string; position: number } | undefined = { jobId: "", position: -1 };
  while (chunk) {
    const values: unknown[] = [environmentId, userIds, emails, companyIds, chunk.jobId, chunk.position];
    [chunk] = await tx.query<{ jobId: string; position: number }>(ERASE_FROM_CHUNKS, values);
  }
  let job: { id: string } | undefined = { id: "" };
  while (job) {
    const values: unknown[] = [environmentId, [...userIds, ...companyIds, ...emails], job.id];
    [job] = await tx.query<{ id: string }>(ERASE_FROM_REPORTS, values);
  }
}

function identitiesOf(targets: ErasureTargets, contacts: readonly ErasedContact[]): Identity[] {
  const userIds = new Set([
    ...(targets.userIds ?? []),
    ...contacts.flatMap(({ userId, formerUserIds }) => [userId ?? [], formerUserIds].flat()),
  ]);
  const emails = new Set([...(targets.emails ?? []), ...contacts.flatMap(({ email }) => email ?? [])]);
  return [
    ...[...userIds].map((value) => ({ kind: "userId", value }) as const),
    ...[...emails].map((value) => ({ kind: "email", value }) as const),
  ];
}

async function suppressAll(tx: Transaction, environmentId: string, hashes: readonly string[], erasedAt: Date): Promise<void> {
  await tx.query(
    `insert into suppressions ("environmentId", hash, "erasedAt") select $1, hash, $3 from unnest($2::text[]) as h(hash)
     on conflict ("environmentId", hash) do update set "erasedAt" = excluded."erasedAt"`,
    [environmentId, hashes, erasedAt],
  );
}
