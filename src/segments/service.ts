import type { Database } from "../db/database.ts";
import type { AttributeDataType, AttributeValue } from "../shared/attributes.ts";
import { segmentToSql } from "./filter-to-sql.ts";
import { resolveSegments, type SegmentRow } from "./resolve.ts";

export { eventRanges, findFacts, type SegmentFacts } from "./facts.ts";
export {
  type FilterNode,
  type SegmentFiltersContext,
  SegmentFiltersInput,
  validateFilters,
} from "./filter-schema.ts";
export { eventCountsToSql } from "./filter-to-sql.ts";
export { type SurveyInteraction, surveyInteractions } from "./interactions.ts";
export {
  type CompiledSegment,
  compileSegments,
  type ExplainedLeaf,
  type ExplainedNode,
  type Explanation,
  matchingSegmentIds,
  type SegmentSubject,
} from "./predicate.ts";
export type { SegmentRow } from "./resolve.ts";

/** A contact of a segment, with its attributes as stored (userId and email are not among them). */
export interface SegmentContact {
  id: string;
  userId: string | null;
  email: string | null;
  attributes: Record<string, AttributeValue>;
  createdAt: Date;
  updatedAt: Date;
}

/** Which contacts to list: those that follow the contact `after`, without the first `skip` of them. */
export interface SegmentContactPage {
  limit: number;
  skip?: number;
  after?: { createdAt: Date; id: string };
}

export type SegmentService = ReturnType<typeof createSegmentService>;

const LOAD_ENVIRONMENT = {
  name: "segments_of_environment",
  text: `
    select
      (select coalesce(json_agg(json_build_object('id', s.id, 'filters', s.filters)), '[]') from segments s where s."environmentId" = $1) as segments,
      (select coalesce(json_object_agg(k.key, k."dataType"), '{}') from contact_attribute_keys k where k."environmentId" = $1) as "attributeKeys"`,
};

/**
 * The contacts of segments, found by the database. The segment need not be stored: its filters are taken as given,
 * and the segments they refer to from its environment. Leaves about the device are false, for nobody is calling.
 * Whether the caller may see the environment's contacts is checked before.
 */
export function createSegmentService({ db, now = Date.now }: { db: Database; now?: () => number }) {
  return { countContacts, listContacts, condition };

  async function countContacts(environmentId: string, segment: SegmentRow): Promise<number> {
    const { text, values } = await condition(environmentId, segment);
    const rows = await db.query<{ count: number }>(
      `select count(*)::int as count from contacts c where c."environmentId" = $1 and ${text}`,
      values,
    );
    return rows[0]?.count ?? 0;
  }

  /** Newest first, by time of creation and then id. */
  async function listContacts(
    environmentId: string,
    segment: SegmentRow,
    { limit, skip = 0, after }: SegmentContactPage,
  ): Promise<SegmentContact[]> {
    const { text, values } = await condition(environmentId, segment);
    const bind = (value: unknown) => `$${values.push(value)}`;
    const following = after ? `and (c."createdAt", c.id) < (${bind(after.createdAt)}::timestamptz, ${bind(after.id)}::text)` : "";
    return await db.query<SegmentContact>(
      `select c.id, c."userId", c.email, c.attributes, c."createdAt", c."updatedAt"
      from contacts c where c."environmentId" = $1 and ${text} ${following}
      order by c."createdAt" desc, c.id desc limit ${bind(limit)}::bigint offset ${bind(skip)}::bigint`,
      values,
    );
  }

  /** SQL: whether a contact `c` is in the segment, with its parameters, of which `$1` is the environment's id. */
  async function condition(environmentId: string, segment: SegmentRow): Promise<{ text: string; values: unknown[] }> {
    const [row] = await db.query<{ segments: SegmentRow[]; attributeKeys: Record<string, AttributeDataType> }>(LOAD_ENVIRONMENT, [
      environmentId,
    ]);
    const others = (row?.segments ?? []).filter(({ id }) => id !== segment.id);
    const attributeKeys = new Map(Object.entries(row?.attributeKeys ?? {}));
    const [resolved] = resolveSegments([segment, ...others]);
    if (!resolved) return { text: "false", values: [environmentId] };
    return segmentToSql(resolved, { environmentId, attributeKeys, now: now() });
  }
}
