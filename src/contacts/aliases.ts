/** Contacts under the ids of others that were merged into them: see src/decisions/0031. */
import type { Transaction } from "../db/database.ts";
import { findOwnedRow } from "../db/owned-row.ts";
import type { PermissionLevel, Principal } from "../shared/principal.ts";
import { notFound, Problem } from "../shared/problem.ts";

type Queries = Pick<Transaction, "query">;

export interface ContactQuery {
  /** SQL: the columns of `t`, `environmentId` among them. */
  columns: string;
  id: string;
  level: PermissionLevel;
}

/** As {@link findOwnedRow}, by the contact's id or one that it took over. Throws `not_found` (contact), `forbidden`. */
export async function findContact<Row extends { environmentId: string }>(
  db: Queries,
  caller: Principal,
  query: ContactQuery,
): Promise<Row> {
  const { id } = query;
  const find = (contactId: string) =>
    findOwnedRow<Row>(db, caller, { ...query, id: contactId, table: "contacts", resource: "contact" });
  try {
    return await find(id);
  } catch (error) {
    if (!(error instanceof Problem && error.kind === "not_found")) throw error;
  }
  const [alias] = await db.query<{ contactId: string }>(
    `select "contactId" from contact_aliases where id = $1
     order by "environmentId" = any($2::text[]) desc, "environmentId" limit 1`,
    [id, [...caller.permissions.keys()]],
  );
  if (!alias) throw notFound("contact", id);
  return await find(alias.contactId);
}

/** The user ids that lead to another contact, each with that contact's own. */
export async function findSurvivors(
  db: Queries,
  environmentId: string,
  userIds: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  const rows = await db.query<{ alias: string; userId: string }>(FIND_SURVIVORS, [environmentId, userIds]);
  return new Map(rows.map(({ alias, userId }) => [alias, userId]));
}

const FIND_SURVIVORS = {
  name: "contact_survivors",
  text: `
select a."userId" as alias, c."userId" from contact_aliases a
join contacts c on c."environmentId" = a."environmentId" and c.id = a."contactId"
where a."environmentId" = $1 and a."userId" = any($2::text[]) and c."userId" is not null`,
};
