import { z } from "zod";
import { notifyChange } from "../db/change-feed.ts";
import type { Database, Transaction } from "../db/database.ts";
import { readableEnvironments } from "../db/owned-row.ts";
import type { Page } from "../db/page.ts";
import type { EnvironmentService } from "../environments/service.ts";
import { mayUseEnvironment, type PermissionLevel, type Principal, requireEnvironment } from "../shared/principal.ts";
import { forbidden, invalid, notFound } from "../shared/problem.ts";
import { isObject, type JsonObject } from "./model/json.ts";
import type { KnownLanguage } from "./model/language.ts";
import { type ParsedSurvey, parseSurveyCreate, parseSurveyUpdate, type StoredSurvey } from "./model/parse.ts";
import { type SurveyContent, SurveyFields } from "./model/survey.ts";
import { querySurveys, type SurveyRecord } from "./survey-record.ts";
import { dropPrivateSegment, placeSegment, type SegmentPlacement } from "./survey-segment.ts";
import { checkSlug, checkTriggers, insertSurvey, updateSurvey } from "./survey-writes.ts";

export { questionsFromBlocks } from "./model/generation.ts";
export { Logo, ProjectStyling } from "./model/styling.ts";
export type { SurveyRecord } from "./survey-record.ts";
export { saysNothingNew, surveyShape, viewSurvey } from "./survey-view.ts";
export { SurveyFields };

export type SurveyService = ReturnType<typeof createSurveyService>;

export interface SurveyPage {
  /** All of them when absent. */
  limit?: number | undefined;
  offset: number;
  /** Whether archived ones are listed too. */
  withArchived?: boolean | undefined;
}

/** Which surveys, of those that the caller may read; all that is given has to hold. */
export interface SurveyFilter extends Page {
  environmentId?: string | undefined;
  type?: SurveyRecord["type"] | undefined;
  status?: SurveyRecord["status"] | undefined;
  /** Part of it, in any letter case. */
  name?: string | undefined;
  archived: boolean;
}

const MAX_SINGLE_USE_LINKS = 5_000;

/**
 * Surveys, for those who manage them. What a caller sends is taken as it came and checked by the survey model: its
 * problems are of kind `invalid`, with `issues` where the contract names fields.
 */
export function createSurveyService({
  db,
  environments,
  newId,
  now,
  buildSingleUseQuery,
  publicUrl,
}: {
  db: Database;
  environments: EnvironmentService;
  newId: () => string;
  /** In milliseconds. */
  now: () => number;
  /** The query parameters that make a survey's link one for this id alone. */
  buildSingleUseQuery: (surveyId: string, singleUseId: string, isEncrypted: boolean) => Record<string, string>;
  /** Where respondents find surveys, without a slash at its end. */
  publicUrl: string;
}) {
  return { list, search, get, create, update, touch, remove, makeSingleUseUrls };

  /** Those of every environment the caller may use, archived ones excepted unless asked for; last changed first. */
  function list(caller: Principal, { limit, offset, withArchived = false }: SurveyPage): Promise<SurveyRecord[]> {
    return querySurveys(
      db,
      `where s."environmentId" = any($1) and (s."archivedAt" is null or $4)
       order by s."updatedAt" desc, s.id desc limit $2::bigint offset $3::bigint`,
      [[...caller.permissions.keys()], limit ?? null, offset, withArchived],
    );
  }

  /** One page, and how many there are in all. Throws `forbidden`. */
  async function search(caller: Principal, filter: SurveyFilter): Promise<{ surveys: SurveyRecord[]; total: number }> {
    const { sortBy, order, filterDateField, startDate, endDate, environmentId, type, status, name, archived } = filter;
    const where = `where s."environmentId" = any($1) and (s."archivedAt" is not null) = $2
      and ($3::text is null or s.type::text = $3) and ($4::text is null or s.status::text = $4)
      and ($5::text is null or strpos(lower(s.name), lower($5)) > 0)
      and ($6::timestamptz is null or s."${filterDateField}" >= $6) and ($7::timestamptz is null or s."${filterDateField}" <= $7)`;
    const values = [readableEnvironments(caller, environmentId), archived, type ?? null, status ?? null, name ?? null];
    const bound = [...values, startDate ?? null, endDate ?? null];
    const page = `order by s."${sortBy}" ${order}, s.id ${order} limit $8 offset $9`;
    const [surveys, counts] = await Promise.all([
      querySurveys(db, `${where} ${page}`, [...bound, filter.limit, filter.skip]),
      db.query<{ total: number }>(`select count(*)::int as total from surveys s ${where}`, bound),
    ]);
    return { surveys, total: counts[0]?.total ?? 0 };
  }

  /** Throws `not_found`; `forbidden` unless the caller holds `level` on its environment. Archived ones are found. */
  async function get(caller: Principal, id: string, level: PermissionLevel): Promise<SurveyRecord> {
    const found = await querySurveys(db, "where s.id = $1", [id]);
    if (found.length === 0) throw notFound("survey", id);
    const permitted = found.find(({ environmentId }) => mayUseEnvironment(caller, environmentId, level));
    if (permitted === undefined) throw forbidden();
    return permitted;
  }

  /**
   * Stores a survey, for an app with a private segment. A creator who is nobody in the organization is dropped.
   * Throws `forbidden`, `invalid`, `not_found` (language, segment), `conflict` (slug).
   */
  async function create(caller: Principal, environmentId: string, input: unknown): Promise<SurveyRecord> {
    requireEnvironment(caller, environmentId, "write");
    const id = newId();
    const created = await db.transaction(async (tx) => {
      const at = new Date(now());
      const parsed = parsedOrThrow(parseSurveyCreate(input, { newId, languages: await loadLanguages(tx, environmentId) }));
      const content = applyDueDates(parsed.survey, at);
      await checkTriggers(tx, environmentId, content.triggers);
      await checkSlug(tx, { environmentId, id, slug: content.columns.slug });
      const createdBy = await knownUser(tx, caller.organizationId, content.columns.createdBy);
      const placement = { environmentId, surveyId: id, current: null, reference: parsed.segment, newId, at };
      const segmentId = content.columns.type === "app" ? await placeSegment(tx, placement) : null;
      const written = { ...content, columns: { ...content.columns, createdBy } };
      await insertSurvey(tx, { environmentId, id, content: written, segmentId, at });
      await notifyChange(tx, "environment", environmentId);
      return load(tx, environmentId, id);
    });
    environments.forget(environmentId);
    return created;
  }

  /**
   * Changes the members that the body has. Throws `not_found` (survey, language, segment), `forbidden`, `invalid` (also
   * for an archived survey), `conflict` (slug, the segment's title).
   */
  async function update(caller: Principal, id: string, input: unknown): Promise<SurveyRecord> {
    const { environmentId } = await get(caller, id, "write");
    const updated = await db.transaction(async (tx) => {
      const at = new Date(now());
      await lock(tx, environmentId, id);
      const existing = await load(tx, environmentId, id);
      const context = { newId, languages: await loadLanguages(tx, environmentId) };
      const parsed = parsedOrThrow(parseSurveyUpdate(storedSurvey(existing), input, context));
      const content = applyDueDates(parsed.survey, at);
      await checkTriggers(tx, environmentId, content.triggers);
      await checkSlug(tx, { environmentId, id, slug: content.columns.slug });
      const placement = { environmentId, surveyId: id, current: existing.segment, reference: parsed.segment, newId, at };
      const segmentId = await segmentOfUpdated(tx, existing, content.columns.type, placement);
      await updateSurvey(tx, { environmentId, id, content, segmentId, at });
      if (existing.segment && existing.segment.id !== segmentId) await dropPrivateSegment(tx, environmentId, existing.segment.id);
      await notifyChange(tx, "environment", environmentId);
      return load(tx, environmentId, id);
    });
    environments.forget(environmentId);
    return updated;
  }

  /**
   * Notes that the survey was written as it is: nothing is checked, so that also one that was imported against the
   * rules can be written back. Throws `not_found`, `forbidden`.
   */
  async function touch(caller: Principal, id: string): Promise<SurveyRecord> {
    const { environmentId } = await get(caller, id, "write");
    const touched = await db.transaction(async (tx) => {
      await tx.query(`update surveys set "updatedAt" = $3 where "environmentId" = $1 and id = $2`, [
        environmentId,
        id,
        new Date(now()),
      ]);
      await notifyChange(tx, "environment", environmentId);
      return load(tx, environmentId, id);
    });
    environments.forget(environmentId);
    return touched;
  }

  /**
   * Deletes the survey with its responses, displays and all else that is its own, also its private segment. Returns what
   * it was. Throws `not_found`, `forbidden`.
   */
  async function remove(caller: Principal, id: string): Promise<SurveyRecord> {
    const { environmentId } = await get(caller, id, "manage");
    const removed = await db.transaction(async (tx) => {
      await lock(tx, environmentId, id);
      const survey = await load(tx, environmentId, id);
      await tx.query(`delete from surveys where "environmentId" = $1 and id = $2`, [environmentId, id]);
      if (survey.segment) await dropPrivateSegment(tx, environmentId, survey.segment.id);
      await notifyChange(tx, "environment", environmentId);
      return survey;
    });
    environments.forget(environmentId);
    return removed;
  }

  /**
   * Links through which one response each is taken. Nothing is stored: an id is used up by the response that carries it.
   * Throws `not_found`, `forbidden` (making links needs `write`), `invalid`.
   */
  async function makeSingleUseUrls(caller: Principal, id: string, limit: number): Promise<string[]> {
    const { type, document } = await get(caller, id, "write");
    if (type !== "link") throw invalid("Single use links are only available for link surveys");
    const singleUse = isObject(document.singleUse) ? document.singleUse : {};
    if (singleUse.enabled !== true) throw invalid("Single use links are not enabled for this survey");
    if (limit < 1) throw invalid("Limit cannot be less than 1");
    if (limit > MAX_SINGLE_USE_LINKS) throw invalid(`Limit cannot be more than ${MAX_SINGLE_USE_LINKS}`);
    const { data: count, error } = z.int().safeParse(limit);
    if (error) throw invalid(`Validation failed: ${error.issues[0]?.message}`);
    return Array.from({ length: count }, () => {
      const query = new URLSearchParams(buildSingleUseQuery(id, newId(), singleUse.isEncrypted === true));
      return `${publicUrl}/s/${id}?${query}`;
    });
  }
}

/** A survey that stops to be an app's leaves its segment; a link survey that came with one by import keeps it. */
async function segmentOfUpdated(
  tx: Transaction,
  existing: SurveyRecord,
  type: SurveyRecord["type"],
  placement: SegmentPlacement,
): Promise<string | null> {
  if (type === "app") return placeSegment(tx, placement);
  return existing.type === "link" ? (existing.segment?.id ?? null) : null;
}

function parsedOrThrow(parsed: ParsedSurvey): Extract<ParsedSurvey, { ok: true }> {
  if (!parsed.ok) throw parsed.problem;
  return parsed;
}

/** A time to publish or to close that has come is kept at once: the survey is as it would be had someone waited for it. */
function applyDueDates(survey: SurveyContent, at: Date): SurveyContent {
  const isDue = (date: string | null) => date !== null && date <= at.toISOString();
  let { columns, document } = survey;
  if (columns.status === "paused" && isDue(document.publishOn)) {
    columns = { ...columns, status: "inProgress" };
    document = { ...document, publishOn: null };
  }
  if (columns.status === "inProgress" && isDue(document.closeOn)) {
    columns = { ...columns, status: "completed" };
    document = { ...document, publishOn: null, closeOn: null };
  }
  return { ...survey, columns, document };
}

function storedSurvey(record: SurveyRecord): StoredSurvey {
  const { name, type, status, createdBy, slug, document, archivedAt, triggers, languages, followUps } = record;
  return {
    columns: { name, type, status, createdBy, slug },
    document: withoutEmptyColumns(document),
    archivedAt,
    triggers: triggers.map((actionClass) => actionClass.id),
    languages,
    followUps,
  };
}

/** Where an imported column is null although a survey cannot say so, it says nothing. */
const withoutEmptyColumns = (document: JsonObject): JsonObject =>
  Object.fromEntries(
    Object.entries(document).filter(
      ([member, value]) => value !== null || MEMBERS.get(member)?.safeParse(null).success !== false,
    ),
  );

const MEMBERS = new Map<string, z.ZodType>(Object.entries(SurveyFields.shape));

/** Keeps them from being deleted before the survey that may use them is written. */
const loadLanguages = (tx: Transaction, environmentId: string): Promise<KnownLanguage[]> =>
  tx.query<KnownLanguage>(`select id, code from languages where "environmentId" = $1 for key share`, [environmentId]);

/** Keeps others from changing the survey meanwhile. */
async function lock(tx: Transaction, environmentId: string, id: string): Promise<void> {
  await tx.query(`select 1 from surveys where "environmentId" = $1 and id = $2 for update`, [environmentId, id]);
}

async function load(tx: Transaction, environmentId: string, id: string): Promise<SurveyRecord> {
  const [survey] = await querySurveys(tx, `where s."environmentId" = $1 and s.id = $2`, [environmentId, id]);
  if (survey === undefined) throw notFound("survey", id);
  return survey;
}

async function knownUser(tx: Transaction, organizationId: string, userId: string | null): Promise<string | null> {
  if (userId === null) return null;
  const members = await tx.query(`select 1 from memberships where "organizationId" = $1 and "userId" = $2`, [
    organizationId,
    userId,
  ]);
  return members.length > 0 ? userId : null;
}
