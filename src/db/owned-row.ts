import { type PermissionLevel, type Principal, requireEnvironment } from "../shared/principal.ts";
import { notFound } from "../shared/problem.ts";
import type { Transaction } from "./database.ts";

export interface OwnedRowQuery {
  /** SQL: the columns of `t`, `environmentId` among them. */
  columns: string;
  /** The table; never from a request. */
  table: string;
  id: string;
  /** What the row is called when there is none. */
  resource: string;
  level: PermissionLevel;
  /** Keeps others from changing the row until the transaction ends. */
  lock?: boolean;
}

/**
 * The row of an environment by its id alone. Ids are unique within an environment only, so the caller's own comes
 * before a neighbour's. Throws `not_found` (`resource`); `forbidden` when the caller lacks the level.
 */
export async function findOwnedRow<Row extends { environmentId: string }>(
  db: Pick<Transaction, "query">,
  caller: Principal,
  { columns, table, id, resource, level, lock = false }: OwnedRowQuery,
): Promise<Row> {
  const [row] = await db.query<Row>(
    `select ${columns} from ${table} t where t.id = $1
     order by t."environmentId" = any($2::text[]) desc, t."environmentId" limit 1${lock ? " for no key update of t" : ""}`,
    [id, [...caller.permissions.keys()]],
  );
  if (!row) throw notFound(resource, id);
  requireEnvironment(caller, row.environmentId, level);
  return row;
}

/** The environments that a list shows: the one named, or all that the caller may read. Throws `forbidden`. */
export function readableEnvironments(caller: Principal, environmentId: string | undefined): string[] {
  if (environmentId === undefined) return [...caller.permissions.keys()];
  requireEnvironment(caller, environmentId, "read");
  return [environmentId];
}
