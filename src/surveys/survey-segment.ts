/** Whom an app survey is aimed at: a private segment of its own, or one that is shared. Source: survey-model §14, management-api-v1 §12.4. */
import { isDeepStrictEqual } from "node:util";
import type { Transaction } from "../db/database.ts";
import { type SegmentRow, validateFilters } from "../segments/service.ts";
import { invalid, notFound, Problem } from "../shared/problem.ts";
import type { SegmentReference } from "./model/survey.ts";

/** As much of a segment as a survey may change. */
interface SegmentContent {
  id: string;
  title: string;
  description: string | null;
  isPrivate: boolean;
  filters: unknown;
}

export interface SegmentPlacement {
  environmentId: string;
  surveyId: string;
  /** The one the survey has now. */
  current: SegmentContent | null;
  /** What the caller says of it; null and undefined say nothing. */
  reference: SegmentReference | null | undefined;
  newId: () => string;
  at: Date;
}

/**
 * The id of the segment an app survey is to have. The survey's own is changed as the reference says, a shared one is
 * taken as it is, and of another survey's private one the filters are copied. Filters that did not change are not
 * checked, so that imported ones can be written back. Throws `not_found` (Segment), `invalid`, `conflict` (title).
 */
export async function placeSegment(tx: Transaction, placement: SegmentPlacement): Promise<string> {
  const { current, reference } = placement;
  if (!reference) return current?.id ?? createSegment(tx, placement, {});
  if (current && reference.id === current.id) return changeSegment(tx, placement, current, reference);
  const found = reference.id === undefined ? undefined : await findSegment(tx, placement.environmentId, reference.id);
  if (found && !found.isPrivate) return found.id;
  const { filters = found?.filters } = reference;
  if (current?.isPrivate) return changeSegment(tx, placement, current, { filters });
  return createSegment(tx, placement, { filters, description: reference.description });
}

/** Deletes the survey's private segment, once the survey does not use it any more and no other does. */
export async function dropPrivateSegment(tx: Transaction, environmentId: string, segmentId: string): Promise<void> {
  await tx.query(
    `delete from segments g where g."environmentId" = $1 and g.id = $2 and g."isPrivate"
       and not exists (select 1 from surveys s where s."environmentId" = g."environmentId" and s."segmentId" = g.id)`,
    [environmentId, segmentId],
  );
}

async function findSegment(tx: Transaction, environmentId: string, id: string): Promise<SegmentContent> {
  const [segment] = await tx.query<SegmentContent>(
    `select id, title, description, "isPrivate", filters from segments where "environmentId" = $1 and id = $2`,
    [environmentId, id],
  );
  if (segment === undefined) throw notFound("segment", id);
  return segment;
}

async function createSegment(
  tx: Transaction,
  { environmentId, surveyId, newId, at }: SegmentPlacement,
  { filters = [], description }: { filters?: unknown; description?: string | null | undefined },
): Promise<string> {
  const id = newId();
  const checked = isEmpty(filters) ? [] : await checkFilters(tx, environmentId, id, filters);
  // A segment that was made public keeps the title of the survey it was made for.
  const title = (await isTitleTaken(tx, { environmentId, id, title: surveyId })) ? `${surveyId} ${id}` : surveyId;
  await tx.query(
    `insert into segments ("environmentId", id, "createdAt", "updatedAt", title, description, "isPrivate", filters)
     values ($1, $2, $3, $3, $4, $5, true, $6)`,
    [environmentId, id, at, title, description ?? null, JSON.stringify(checked)],
  );
  return id;
}

const isEmpty = (filters: unknown): boolean => Array.isArray(filters) && filters.length === 0;

async function changeSegment(
  tx: Transaction,
  { environmentId, at }: SegmentPlacement,
  current: SegmentContent,
  {
    title = current.title,
    description,
    isPrivate = current.isPrivate,
    filters = current.filters,
  }: Partial<SegmentContent> | SegmentReference,
): Promise<string> {
  const { id } = current;
  const changed = { id, title, description: description === undefined ? current.description : description, isPrivate, filters };
  if (isDeepStrictEqual(changed, pick(current))) return id;
  if (title !== current.title) await checkTitle(tx, { environmentId, id, title });
  const checked =
    isDeepStrictEqual(filters, current.filters) || isEmpty(filters)
      ? filters
      : await checkFilters(tx, environmentId, id, filters);
  await tx.query(
    `update segments set title = $3, description = $4, "isPrivate" = $5, filters = $6, "updatedAt" = $7
     where "environmentId" = $1 and id = $2`,
    [environmentId, id, title, changed.description, isPrivate, JSON.stringify(checked), at],
  );
  return id;
}

const pick = ({ id, title, description, isPrivate, filters }: SegmentContent): SegmentContent => ({
  id,
  title,
  description,
  isPrivate,
  filters,
});

interface Titled {
  environmentId: string;
  id: string;
  title: string;
}

async function isTitleTaken(tx: Transaction, { environmentId, id, title }: Titled): Promise<boolean> {
  const others = await tx.query(`select 1 from segments where "environmentId" = $1 and id <> $2 and title = $3`, [
    environmentId,
    id,
    title,
  ]);
  return others.length > 0;
}

const MAX_TITLE_BYTES = 2_000;

async function checkTitle(tx: Transaction, titled: Titled): Promise<void> {
  if (Buffer.byteLength(titled.title) > MAX_TITLE_BYTES)
    throw refused([{ field: "title", issue: `Must not be longer than ${MAX_TITLE_BYTES} bytes` }]);
  if (await isTitleTaken(tx, titled)) throw new Problem("conflict", `Segment with title ${titled.title} already exists`);
}

async function checkFilters(tx: Transaction, environmentId: string, segmentId: string, filters: unknown): Promise<unknown> {
  const surveys = await tx.query<{ id: string }>(`select id from surveys where "environmentId" = $1`, [environmentId]);
  const segments = await tx.query<SegmentRow>(`select id, filters from segments where "environmentId" = $1`, [environmentId]);
  try {
    return validateFilters(filters, { segmentId, surveyIds: new Set(surveys.map(({ id }) => id)), segments });
  } catch (error) {
    throw error instanceof Problem && error.issues ? refused(error.issues) : error;
  }
}

/** In the words of the survey that the segment came with. */
const refused = (issues: readonly { field: string; issue: string }[]): Problem =>
  invalid("Fields are missing or incorrectly formatted", {
    issues: issues.map(({ field, issue }) => ({ field: `segment.${field}`, issue })),
  });
