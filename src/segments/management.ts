import { notifyChange } from "../db/change-feed.ts";
import type { Database, Transaction } from "../db/database.ts";
import { findOwnedRow, readableEnvironments } from "../db/owned-row.ts";
import { type Page, queryPage } from "../db/page.ts";
import type { AttributeDataType } from "../shared/attributes.ts";
import { type PermissionLevel, type Principal, requireEnvironment } from "../shared/principal.ts";
import { conflict, notFound, Problem, type ProblemIssue } from "../shared/problem.ts";
import { parseFilters, referredSegmentIds } from "./filter.ts";
import {
  compileSegments,
  type Explanation,
  type FilterNode,
  findFacts,
  type SegmentContact,
  type SegmentRow,
  type SegmentService,
  type SegmentSubject,
  validateFilters,
} from "./service.ts";

export type SegmentManagement = ReturnType<typeof createSegmentManagement>;

export interface Segment extends SegmentRow {
  environmentId: string;
  createdAt: Date;
  updatedAt: Date;
  title: string;
  description: string | null;
  /** Made for one survey, and not offered for others. */
  isPrivate: boolean;
  /** As stored; those of an import may be of any shape. */
  filters: unknown;
  /** Ids of the surveys that are shown to it, sorted. */
  surveys: string[];
}

export interface SegmentInput {
  environmentId: string;
  title: string;
  description?: string | null | undefined;
  isPrivate?: boolean | undefined;
  filters: FilterNode[];
}

/** What is absent stays as it is. */
export type SegmentChange = { [Field in Exclude<keyof SegmentInput, "environmentId">]?: SegmentInput[Field] | undefined };

/** Whose membership to explain. With both, the contact has both. */
export interface ContactReference {
  contactId?: string | undefined;
  userId?: string | undefined;
}

export interface SegmentExplanation {
  contact: { id: string; userId: string | null };
  /** The moment for which it holds: filters may speak of periods back from now. */
  at: Date;
  explanation: Explanation;
}

const COLUMNS = `
  t.id, t."environmentId", t."createdAt", t."updatedAt", t.title, t.description, t."isPrivate", t.filters,
  array(select s.id from surveys s where s."environmentId" = t."environmentId" and s."segmentId" = t.id order by s.id) as surveys`;

const LOAD_SUBJECT = `
  select c.id, c."userId", c.email, c.attributes,
    (select coalesce(json_agg(json_build_object('surveyId', d."surveyId",
        'createdAt', (extract(epoch from d."createdAt") * 1000)::bigint)), '[]')
     from displays d where d."environmentId" = c."environmentId" and d."contactId" = c.id) as displays,
    (select coalesce(json_agg(json_build_object('surveyId', r."surveyId", 'finished', r.finished,
        'createdAt', (extract(epoch from r."createdAt") * 1000)::bigint)), '[]')
     from responses r where r."environmentId" = c."environmentId" and r."contactId" = c.id) as responses,
    (select json_build_object('id', o."companyId", 'attributes', o.attributes)
     from companies o where o."environmentId" = c."environmentId" and o.id = c."companyId") as company,
    (select coalesce(json_agg(json_build_object('name', e.name, 'properties', e.properties,
        'occurredAt', (extract(epoch from e."occurredAt") * 1000)::bigint)), '[]')
     from jsonb_array_elements_text($4::jsonb) n(name)
     join events e on e."environmentId" = c."environmentId" and e."contactId" = c.id and e.name = n.name) as events
  from contacts c
  where c."environmentId" = $1 and ($2::text is null or c.id = $2) and ($3::text is null or c."userId" = $3)
    and ($2::text is not null or $3::text is not null)`;

/** Segments as those see and change them who administer an environment. */
export function createSegmentManagement({
  db,
  segments,
  newId,
  now,
  forgetEnvironment,
}: {
  db: Database;
  segments: SegmentService;
  newId: () => string;
  now: () => number;
  /** Drops what this process has cached of the environment. */
  forgetEnvironment: (environmentId: string) => void;
}) {
  return { list, get, create, update, remove, listContacts, countContacts, explain };

  /** Of one environment, or of all that the caller may read. Throws `forbidden`. */
  async function list(
    caller: Principal,
    { environmentId, ...page }: Page & { environmentId?: string | undefined },
  ): Promise<{ rows: Segment[]; total: number }> {
    const values = [readableEnvironments(caller, environmentId)];
    return await queryPage(db, { columns: COLUMNS, from: `from segments t where t."environmentId" = any($1)`, values }, page);
  }

  /** Throws `not_found` (segment), `forbidden`. */
  function get(caller: Principal, id: string, level: PermissionLevel = "read"): Promise<Segment> {
    return find(db, caller, id, level);
  }

  /**
   * Throws `forbidden`; `invalid` with every broken rule of the filters; `conflict` (`title`) when the environment has
   * the title already.
   */
  async function create(caller: Principal, { environmentId, ...input }: SegmentInput): Promise<Segment> {
    requireEnvironment(caller, environmentId, "write");
    const { title, description = null, isPrivate = false } = input;
    return await change(environmentId, async (tx) => {
      const filters = await checkFilters(tx, environmentId, null, input.filters);
      await requireFreeTitle(tx, { environmentId, id: null, title });
      const id = newId();
      await tx.query(
        `insert into segments ("environmentId", id, "createdAt", "updatedAt", title, description, "isPrivate", filters)
         values ($1, $2, $3, $3, $4, $5, $6, $7)`,
        [environmentId, id, new Date(now()), title, description, isPrivate, JSON.stringify(filters)],
      );
      return load(tx, environmentId, id);
    });
  }

  /** As {@link create}; also throws `not_found` (segment). */
  async function update(caller: Principal, id: string, input: SegmentChange): Promise<Segment> {
    const { environmentId } = await find(db, caller, id, "write");
    return await change(environmentId, async (tx) => {
      const segment = await load(tx, environmentId, id);
      const { title = segment.title, description = segment.description, isPrivate = segment.isPrivate } = input;
      const filters = input.filters === undefined ? segment.filters : await checkFilters(tx, environmentId, id, input.filters);
      await requireFreeTitle(tx, { environmentId, id, title });
      await tx.query(
        `update segments set title = $3, description = $4, "isPrivate" = $5, filters = $6, "updatedAt" = $7
         where "environmentId" = $1 and id = $2`,
        [environmentId, id, title, description, isPrivate, JSON.stringify(filters), new Date(now())],
      );
      return load(tx, environmentId, id);
    });
  }

  /**
   * Deletes a segment that nothing needs. Throws `not_found` (segment), `forbidden`; `conflict` with an issue
   * (`surveys`, `segments`) for each survey and segment that uses it.
   */
  async function remove(caller: Principal, id: string): Promise<Segment> {
    const { environmentId } = await find(db, caller, id, "manage");
    return await change(environmentId, async (tx) => {
      // A survey that is being given the segment holds a lock on its row: it is waited for and then seen.
      await tx.query(`select 1 from segments where "environmentId" = $1 and id = $2 for update`, [environmentId, id]);
      const segment = await load(tx, environmentId, id);
      const issues = await findUses(tx, segment);
      if (issues.length > 0) throw new Problem("conflict", "The segment is in use", { issues });
      await tx.query(`delete from segments where "environmentId" = $1 and id = $2`, [environmentId, id]);
      return segment;
    });
  }

  /** Newest first; leaves about a device are false. Throws `not_found` (segment), `forbidden`. */
  async function listContacts(
    caller: Principal,
    id: string,
    page: { limit: number; skip: number },
  ): Promise<{ segment: Segment; rows: SegmentContact[]; total: number }> {
    const segment = await find(db, caller, id, "read");
    const [rows, total] = await Promise.all([
      segments.listContacts(segment.environmentId, segment, page),
      segments.countContacts(segment.environmentId, segment),
    ]);
    return { segment, rows, total };
  }

  /** How many {@link listContacts} would list in all. */
  async function countContacts(caller: Principal, id: string): Promise<number> {
    const segment = await find(db, caller, id, "read");
    return await segments.countContacts(segment.environmentId, segment);
  }

  /**
   * Whether and why a contact is in the segment, as identify would decide it at this moment from the given device
   * (null: a server). Throws `not_found` (segment, contact), `forbidden`.
   */
  async function explain(
    caller: Principal,
    id: string,
    { contactId, userId }: ContactReference,
    device: SegmentSubject["device"],
  ): Promise<SegmentExplanation> {
    const { environmentId } = await find(db, caller, id, "read");
    const [rows, attributeKeys] = await Promise.all([loadRows(db, environmentId), loadAttributeKeys(environmentId)]);
    const eventNames = findFacts(rows)?.events.map(({ name }) => name) ?? [];
    const [row] = await db.query<{ id: string } & Omit<SegmentSubject, "device" | "now">>(LOAD_SUBJECT, [
      environmentId,
      contactId ?? null,
      userId ?? null,
      JSON.stringify(eventNames),
    ]);
    if (!row) throw notFound("contact", contactId ?? userId ?? null);
    const { id: rowId, ...stored } = row;
    const at = new Date(now());
    const compiled = compileSegments(rows, attributeKeys).find((segment) => segment.id === id);
    if (!compiled) throw notFound("segment", id);
    const explanation = compiled.explain({ ...stored, device, now: at.getTime() });
    return { contact: { id: rowId, userId: stored.userId }, at, explanation };
  }

  async function loadAttributeKeys(environmentId: string): Promise<Map<string, AttributeDataType>> {
    const rows = await db.query<{ key: string; dataType: AttributeDataType }>(
      `select key, "dataType" from contact_attribute_keys where "environmentId" = $1`,
      [environmentId],
    );
    return new Map(rows.map(({ key, dataType }) => [key, dataType]));
  }

  /**
   * A change of the environment's segments. They go one after another, because each is checked against the others;
   * whoever caches them is told.
   */
  async function change<Result>(environmentId: string, work: (tx: Transaction) => Promise<Result>): Promise<Result> {
    const result = await db.transaction(async (tx) => {
      await tx.query(`select 1 from environments where id = $1 for no key update`, [environmentId]);
      const done = await work(tx);
      await notifyChange(tx, "environment", environmentId);
      return done;
    });
    forgetEnvironment(environmentId);
    return result;
  }
}

const find = (db: Pick<Transaction, "query">, caller: Principal, id: string, level: PermissionLevel): Promise<Segment> =>
  findOwnedRow(db, caller, { columns: COLUMNS, table: "segments", id, resource: "segment", level });

async function load(tx: Transaction, environmentId: string, id: string): Promise<Segment> {
  const [segment] = await tx.query<Segment>(`select ${COLUMNS} from segments t where t."environmentId" = $1 and t.id = $2`, [
    environmentId,
    id,
  ]);
  if (!segment) throw notFound("segment", id);
  return segment;
}

const loadRows = (db: Pick<Transaction, "query">, environmentId: string): Promise<SegmentRow[]> =>
  db.query<SegmentRow>(`select id, filters from segments where "environmentId" = $1 order by "createdAt", id`, [environmentId]);

async function checkFilters(
  tx: Transaction,
  environmentId: string,
  segmentId: string | null,
  filters: FilterNode[],
): Promise<FilterNode[]> {
  const surveys = await tx.query<{ id: string }>(`select id from surveys where "environmentId" = $1`, [environmentId]);
  const surveyIds = new Set(surveys.map(({ id }) => id));
  return validateFilters(filters, { segmentId, surveyIds, segments: await loadRows(tx, environmentId) });
}

async function requireFreeTitle(
  tx: Transaction,
  { environmentId, id, title }: { environmentId: string; id: string | null; title: string },
): Promise<void> {
  const taken = await tx.query(
    `select 1 from segments where "environmentId" = $1 and title = $2 and ($3::text is null or id <> $3)`,
    [environmentId, title, id],
  );
  if (taken.length > 0) throw conflict("title", "A segment with this title already exists");
}

async function findUses(tx: Transaction, { id, environmentId }: Segment): Promise<ProblemIssue[]> {
  const surveys = await tx.query<{ id: string; name: string }>(
    `select id, name from surveys where "environmentId" = $1 and "segmentId" = $2 order by name, id`,
    [environmentId, id],
  );
  const others = await tx.query<SegmentRow & { title: string }>(
    `select id, title, filters from segments where "environmentId" = $1 and id <> $2 order by title`,
    [environmentId, id],
  );
  const referring = others.filter(({ filters }) => {
    const parsed = parseFilters(filters);
    return parsed.readable && referredSegmentIds(parsed.filter).includes(id);
  });
  return [
    ...surveys.map((survey) => use("surveys", survey.id, `The survey "${survey.name}"`)),
    ...referring.map((segment) => use("segments", segment.id, `The segment "${segment.title}"`)),
  ];
}

const use = (field: string, id: string, subject: string): ProblemIssue => ({
  field,
  issue: `${subject} (${id}) uses this segment`,
  meta: { id },
});
