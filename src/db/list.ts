import { z } from "zod";
import { invalidField } from "../shared/problem.ts";
import type { Transaction } from "./database.ts";
import type { Page } from "./page.ts";

type Queries = Pick<Transaction, "query">;

/** The rows of a list: of one table, in the environments that the caller may read. */
export interface ListSource {
  /** The table; never from a request. */
  table: string;
  /** SQL: the columns of `t` to answer, `id`, `environmentId` and those that the list can be sorted by among them. */
  columns: string;
  environmentIds: readonly string[];
  /** SQL about a row `c`, joined by `and`; parameters from `$1`. What an index holds is decided without the row. */
  conditions: readonly string[];
  values: readonly unknown[];
}

/** Which rows of a list. `cursor` is that of the page before; with it, `skip` must be 0. */
export interface ListPage<Column extends string> {
  limit: number;
  skip: number;
  sortBy: Column;
  order: "asc" | "desc";
  cursor?: string | undefined;
}

type ListRow<Column extends string> = { id: string; environmentId: string } & Record<Column, Date>;

/** Up to here a list is counted; beyond, the planner's estimate is good enough. */
const COUNT_LIMIT = 10_000;

/**
 * One page, sorted by a date and then by id. Every environment's part is read from an index that begins with
 * `environmentId`, the date and `id`, and only rows of the page are fetched: a page that follows a cursor costs the same
 * wherever it is, one that skips rows passes over as many entries of the index. Throws `invalid` (`cursor`, `skip`).
 */
export async function queryList<Column extends string, Row extends ListRow<Column>>(
  db: Queries,
  { table, columns, environmentIds, conditions, values: given }: ListSource,
  { limit, skip, sortBy, order, cursor }: ListPage<Column>,
): Promise<{ rows: Row[]; nextCursor: string | null }> {
  const values = [...given];
  const bind = (value: unknown, type: string) => `$${values.push(value)}::${type}`;
  const date = `"${sortBy}"`;
  const matching = [...conditions];
  if (cursor !== undefined) {
    if (skip > 0) throw invalidField("skip", "A page that follows a cursor cannot skip rows");
    const after = readCursor(cursor, { sortBy, order });
    const place = `(${bind(new Date(after.at), "timestamptz")}, ${bind(after.id, "text")}, ${bind(after.environmentId, "text")})`;
    matching.push(`(c.${date}, c.id, c."environmentId") ${order === "asc" ? ">" : "<"} ${place}`);
  }
  const sorted = (row: string) => `${row}.${date} ${order}, ${row}.id ${order}`;
  const rows = await db.query<Row>(
    `select ${columns} from (
       select p."environmentId", p.id, p.${date} from ${ownersOf(environmentIds, values)} cross join lateral (
         select c."environmentId", c.id, c.${date} from ${table} c
         where ${['c."environmentId" = e.id', ...matching].join(" and ")}
         order by ${sorted("c")} limit ${bind(skip + limit + 1, "bigint")}
       ) p order by ${sorted("p")}, p."environmentId" ${order} limit ${bind(limit + 1, "bigint")} offset ${bind(skip, "bigint")}
     ) p join ${table} t on t."environmentId" = p."environmentId" and t.id = p.id
     order by ${sorted("p")}, p."environmentId" ${order}`,
    values,
  );
  const last = rows[limit - 1];
  if (rows.length <= limit || !last) return { rows: rows.slice(0, limit), nextCursor: null };
  const place = { sortBy, order, at: last[sortBy].toISOString(), id: last.id, environmentId: last.environmentId };
  return { rows: rows.slice(0, limit), nextCursor: Buffer.from(JSON.stringify(place)).toString("base64url") };
}

/** SQL: the environments as rows `e (id)`; a single one as a constant, of which the planner knows how many rows it has. */
function ownersOf(environmentIds: readonly string[], values: unknown[]): string {
  const [only] = environmentIds;
  return environmentIds.length === 1
    ? `(select $${values.push(only)}::text as id) e`
    : `unnest($${values.push(environmentIds)}::text[]) as e(id)`;
}

/** How many rows the list has: exactly up to 10,000, and what the planner takes for likely beyond. */
export async function countList(
  db: Queries,
  { table, environmentIds, conditions, values }: ListSource,
): Promise<{ total: number; isEstimate: boolean }> {
  const bound = [...values];
  // In the order of an index: without any, the whole table might be read for an environment whose rows come last in it.
  const [counted] = await db.query<{ total: number }>(
    `select count(*)::int as total from (
       select from ${ownersOf(environmentIds, bound)} cross join lateral (
         select from ${table} c where ${['c."environmentId" = e.id', ...conditions].join(" and ")}
         order by c."createdAt", c.id limit ${COUNT_LIMIT + 1}
       ) c limit ${COUNT_LIMIT + 1}
     ) c`,
    bound,
  );
  const { total = 0 } = counted ?? {};
  if (total <= COUNT_LIMIT) return { total, isEstimate: false };
  const [plan] = await db.query<{ "QUERY PLAN": unknown }>(
    `explain (format json) select from ${table} c
     where ${[`c."environmentId" = any($${values.length + 1}::text[])`, ...conditions].join(" and ")}`,
    [...values, environmentIds],
  );
  const [estimate] = Plans.parse(plan?.["QUERY PLAN"]);
  return { total: Math.max(total, Math.round(estimate?.Plan["Plan Rows"] ?? 0)), isEstimate: true };
}

/** Conditions for the dates of a page, inclusive. @param values of the conditions before it: it adds its own */
export function dateConditions(
  { startDate, endDate, filterDateField }: Pick<Page, "startDate" | "endDate" | "filterDateField">,
  values: unknown[] = [],
): { conditions: string[]; values: unknown[] } {
  const date = (operator: string, value: Date | undefined) =>
    value ? [`c."${filterDateField}" ${operator} $${values.push(value)}::timestamptz`] : [];
  return { conditions: [...date(">=", startDate), ...date("<=", endDate)], values };
}

const Plans = z.array(z.object({ Plan: z.object({ "Plan Rows": z.number() }) }));

const Cursor = z.object({
  sortBy: z.string(),
  order: z.enum(["asc", "desc"]),
  at: z.iso.datetime(),
  id: z.string(),
  environmentId: z.string(),
});

function readCursor(text: string, { sortBy, order }: { sortBy: string; order: string }): z.output<typeof Cursor> {
  const place = Cursor.safeParse(parseJson(Buffer.from(text, "base64url").toString()));
  if (!place.success) throw invalidField("cursor", "Not a cursor of this list");
  if (place.data.sortBy !== sortBy || place.data.order !== order)
    throw invalidField("cursor", "The cursor belongs to a list in another order");
  return place.data;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** A `like` pattern (escaped by a back-slash) of all that begins with the text, the case of letters aside; a parameter. */
export const prefixPattern = (text: string): string => `${text.replace(/[\\%_]/g, "\\$&")}%`;
