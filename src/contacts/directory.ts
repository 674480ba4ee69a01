import type { Database } from "../db/database.ts";
import {
  type Alternative,
  countList,
  dateConditions,
  type ListPage,
  type ListSource,
  prefixPattern,
  queryList,
} from "../db/list.ts";
import { findOwnedRow, readableEnvironments } from "../db/owned-row.ts";
import type { ListReader } from "../db/read-replica.ts";
import type { SegmentRow, SegmentService } from "../segments/service.ts";
import type { AttributeValue } from "../shared/attributes.ts";
import type { Principal } from "../shared/principal.ts";
import { findContact } from "./aliases.ts";
import type { Memberships } from "./memberships.ts";

export type ContactDirectory = ReturnType<typeof createContactDirectory>;

/** All that is known of a contact itself. */
export interface ContactDetails {
  id: string;
  environmentId: string;
  createdAt: Date;
  updatedAt: Date;
  firstSeenAt: Date;
  lastSeenAt: Date;
  userId: string | null;
  email: string | null;
  /** All but userId and email. */
  attributes: Record<string, AttributeValue>;
  /** `id` is ours, `companyId` the customer's. */
  company: { id: string; companyId: string; attributes: Record<string, AttributeValue> } | null;
  /** Ids of the segments that the contact is in at this moment. */
  segments: string[];
}

/** Which contacts; every condition must hold. */
export interface ContactListFilter {
  environmentId?: string | undefined;
  userId?: string | undefined;
  email?: string | undefined;
  /** How the user id or the address begins, in letters of either case. */
  search?: string | undefined;
  segmentId?: string | undefined;
  /** The customer's id of their company. */
  companyId?: string | undefined;
  startDate?: Date | undefined;
  endDate?: Date | undefined;
  filterDateField: "createdAt" | "updatedAt";
}

type ContactRow = Omit<ContactDetails, "segments">;

const DETAILS_COLUMNS = `
  t.id, t."environmentId", t."createdAt", t."updatedAt", t."firstSeenAt", t."lastSeenAt", t."userId", t.email, t.attributes,
  (select jsonb_build_object('id', o.id, 'companyId', o."companyId", 'attributes', o.attributes) from companies o
    where o."environmentId" = t."environmentId" and o.id = t."companyId") as company`;

/** Contacts as they are looked up and listed, with all that is known of them. */
export function createContactDirectory({
  db,
  lists,
  segments,
  memberships,
}: {
  db: Database;
  lists: ListReader;
  segments: SegmentService;
  memberships: Memberships;
}) {
  return { list, get };

  /**
   * Of one environment, or of all that the caller may read. `total` is an estimate where more than 10,000 match. Throws
   * `forbidden`; `not_found` (segment); `invalid` (`cursor`, `skip`).
   */
  async function list(
    caller: Principal,
    filter: ContactListFilter & ListPage<"createdAt" | "updatedAt">,
  ): Promise<{ rows: ContactDetails[]; total: number; isEstimate: boolean; nextCursor: string | null }> {
    const source = await toSource(caller, filter);
    const { total, isEstimate } = await countList(lists, source);
    const isSelective = filter.search !== undefined && !isEstimate;
    const page = await queryList<"createdAt" | "updatedAt", ContactRow>(lists, { ...source, isSelective }, filter);
    const { rows, nextCursor } = page;
    return { rows: await memberships.addSegments(rows, lists), total, isEstimate, nextCursor };
  }

  /** By its id, or that of a contact that was merged into it. Throws `not_found` (contact), `forbidden`. */
  async function get(caller: Principal, id: string): Promise<ContactDetails> {
    const row = await findContact<ContactRow>(db, caller, { columns: DETAILS_COLUMNS, id, level: "read" });
    const [contact] = await memberships.addSegments([row]);
    return contact ?? { ...row, segments: [] };
  }

  async function toSource(caller: Principal, filter: ContactListFilter): Promise<ListSource> {
    const { userId, email, search, segmentId, companyId } = filter;
    const readable = readableEnvironments(caller, filter.environmentId);
    const segment = segmentId === undefined ? null : await findSegment(caller, segmentId);
    // The segment's condition brings its parameters along; the others come after them.
    const { text, values } = segment ? await segments.condition(segment.environmentId, segment) : { text: "true", values: [] };
    const bind = (value: unknown, type: string) => `$${values.push(value)}::${type}`;
    const conditions = segment ? [`c."environmentId" = $1`, text] : [];
    const environmentIds = segment ? readable.filter((id) => id === segment.environmentId) : readable;
    if (userId !== undefined) conditions.push(`c."userId" = ${bind(userId, "text")}`);
    if (email !== undefined) conditions.push(`c.email = ${bind(email, "text")}`);
    const anyOf = search === undefined ? [] : beginningWith(bind(prefixPattern(search), "text"));
    if (companyId !== undefined) {
      const ids = await findCompanyIds(environmentIds, companyId);
      const [only] = ids;
      conditions.push(ids.length === 1 ? `c."companyId" = ${bind(only, "text")}` : `c."companyId" = any(${bind(ids, "text[]")})`);
    }
    conditions.push(...dateConditions(filter, values).conditions);
    return { table: "contacts", columns: DETAILS_COLUMNS, environmentIds, conditions, values, anyOf };
  }

  async function findSegment(caller: Principal, id: string): Promise<SegmentRow & { environmentId: string }> {
    return await findOwnedRow(db, caller, {
      columns: `t.id, t."environmentId", t.filters`,
      table: "segments",
      id,
      resource: "segment",
      level: "read",
    });
  }

  async function findCompanyIds(environmentIds: readonly string[], companyId: string): Promise<string[]> {
    const rows = await db.query<{ id: string }>(
      `select id from companies where "environmentId" = any($1::text[]) and "companyId" = $2`,
      [environmentIds, companyId],
    );
    return rows.map(({ id }) => id);
  }
}

/** By the indexes of lower-case text, which are sorted byte by byte. @param pattern SQL */
const beginningWith = (pattern: string): Alternative[] =>
  [`lower(c."userId")`, "lower(c.email)"].map((text) => ({
    condition: `${text} like lower(${pattern})`,
    indexOrder: `${text} using ~<~`,
  }));
