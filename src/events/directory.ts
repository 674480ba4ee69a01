import { type ListPage, queryList } from "../db/list.ts";
import { readableEnvironments } from "../db/owned-row.ts";
import type { ListReader } from "../db/read-replica.ts";
import type { Principal } from "../shared/principal.ts";

export type EventDirectory = ReturnType<typeof createEventDirectory>;

export interface EventDetails {
  id: string;
  environmentId: string;
  occurredAt: Date;
  /** When it was received. */
  createdAt: Date;
  contactId: string;
  userId: string | null;
  /** Our id of the contact's company at the time; it may be gone. */
  companyId: string | null;
  name: string;
  properties: Record<string, unknown>;
  /** The contract that brought it. */
  source: string;
}

/** Which events; every condition must hold. Dates are those of the occurrence, inclusive. */
export interface EventListFilter {
  environmentId?: string | undefined;
  /** Our id, or that of a contact that was merged into theirs. */
  contactId?: string | undefined;
  userId?: string | undefined;
  name?: string | undefined;
  startDate?: Date | undefined;
  endDate?: Date | undefined;
}

const COLUMNS = `
  t.id, t."environmentId", t."occurredAt", t."createdAt", t."contactId", t."companyId", t.name, t.properties, t.source,
  (select c."userId" from contacts c where c."environmentId" = t."environmentId" and c.id = t."contactId") as "userId"`;

/** The contacts meant by an id (`$2`) or user id (`$3`), their own or taken over, in environments `$1`. */
const FIND_CONTACTS = `
  select id from contacts where "environmentId" = any($1::text[]) and (id = $2 or "userId" = $3)
  union
  select "contactId" from contact_aliases where "environmentId" = any($1::text[]) and (id = $2 or "userId" = $3)`;

/** Events as those see them who administer an environment. */
export function createEventDirectory({ lists }: { lists: ListReader }) {
  return { list };

  /** Of one environment, or of all that the caller may read. Throws `forbidden`; `invalid` (`cursor`). */
  async function list(
    caller: Principal,
    { environmentId, contactId, userId, name, startDate, endDate, ...page }: EventListFilter & ListPage<"occurredAt">,
  ): Promise<{ rows: EventDetails[]; nextCursor: string | null }> {
    const environmentIds = readableEnvironments(caller, environmentId);
    const values: unknown[] = [];
    const bind = (value: unknown, type: string) => `$${values.push(value)}::${type}`;
    const conditions: string[] = [];
    for (const reference of [{ contactId }, { userId }]) {
      if (reference.contactId === undefined && reference.userId === undefined) continue;
      const ids = await findContactIds(environmentIds, reference);
      const [only] = ids;
      conditions.push(ids.length === 1 ? `c."contactId" = ${bind(only, "text")}` : `c."contactId" = any(${bind(ids, "text[]")})`);
    }
    if (name !== undefined) conditions.push(`c.name = ${bind(name, "text")}`);
    if (startDate) conditions.push(`c."occurredAt" >= ${bind(startDate, "timestamptz")}`);
    if (endDate) conditions.push(`c."occurredAt" <= ${bind(endDate, "timestamptz")}`);
    return await queryList(lists, { table: "events", columns: COLUMNS, environmentIds, conditions, values }, page);
  }

  async function findContactIds(
    environmentIds: readonly string[],
    { contactId, userId }: { contactId?: string | undefined; userId?: string | undefined },
  ): Promise<string[]> {
    const rows = await lists.query<{ id: string }>(FIND_CONTACTS, [environmentIds, contactId ?? null, userId ?? null]);
    return rows.map(({ id }) => id);
  }
}
