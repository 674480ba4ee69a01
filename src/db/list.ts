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
  /** Conditions as well, of which one at least must hold. Each has an index that begins with `environmentId`. */
  anyOf?: readonly Alternative[];
  /**
   * Few rows match and an index finds them: they are read first and sorted then. Otherwise rows are looked at in the order
   * of the list until there are enough, which takes long where few match, or those that do lie together at its end.
   */
  isSelective?: boolean;
}

export interface Alternative {
  /** SQL about a row `c`. */
  condition: string;
  /** SQL: the order of its index, within an environment. */
  indexOrder: string;
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
 * wherever it is, one that skips rows passes over as many entries of the index, some 0.08 ms per thousand. Throws
 * `invalid` (`cursor`, `skip`).
 */
export async function queryList<Column extends string, Row extends ListRow<Column>>(
  db: Queries,
  source: ListSource,
  { limit, skip, sortBy, order, cursor }: ListPage<Column>,
): Promise<{ rows: Row[]; nextCursor: string | null }> {
  const values = [...source.values];
  const bind = (value: unknown, type: string) => `$${values.push(value)}::${type}`;
  const date = `"${sortBy}"`;
  let following = "true";
  if (cursor !== undefined) {
    if (skip > 0) throw invalidField("skip", "A page that follows a cursor cannot skip rows");
    const after = readCursor(cursor, { sortBy, order });
    const start = `(${bind(new Date(after.at), "timestamptz")}, ${bind(after.id, "text")}, ${bind(after.environmentId, "text")})`;
    following = `(c.${date}, c.id, c."environmentId") ${order === "asc" ? ">" : "<"} ${start}`;
  }
  if (source.environmentIds.length === 0) return { rows: [], nextCursor: null };
  const sorted = `${date} ${order}, id ${order}`;
  const skips = await planSkips(db, source, skip);
  const skipped = skips.reduce((sum, each) => sum + each, 0);
  // Just the columns of the index in its order: then its entries are taken as they are, which matters when many are skipped.
  const columns = `c."environmentId", c.${date}, c.id`;
  const place = { columns, following, sorted, skips, limit: skip - skipped + limit + 1 };
  const parts = partsOf(source, values, place);
  const page =
    parts.length === 1
      ? parts.join()
      : `${parts.join(" union all ")} order by ${sorted} limit ${bind(limit + 1, "bigint")} offset ${bind(skip - skipped, "bigint")}`;
  const rows = await db.query<Row>(
    `select ${source.columns} from (
       ${page}
     ) p join ${source.table} t on t."environmentId" = p."environmentId" and t.id = p.id
     order by p.${date} ${order}, p.id ${order}`,
    values,
  );
  const last = rows[limit - 1];
  if (rows.length <= limit || !last) return { rows: rows.slice(0, limit), nextCursor: null };
  const end = { sortBy, order, at: last[sortBy].toISOString(), id: last.id, environmentId: last.environmentId };
  return { rows: rows.slice(0, limit), nextCursor: Buffer.from(JSON.stringify(end)).toString("base64url") };
}

/** How many rows of a list of any length are in memory at a time. */
export const PART_ROWS = 1_000;

/**
 * As {@link queryList}, however many rows are asked for, a part at a time: the next one is read when it is asked for. What
 * is written meanwhile may be in it. There is at least one part.
 */
export async function* queryParts<Column extends string, Row extends ListRow<Column>>(
  db: Queries,
  source: ListSource,
  { limit, skip, ...place }: ListPage<Column>,
  partRows = PART_ROWS,
): AsyncGenerator<Row[], void, void> {
  let { cursor } = place;
  for (let sent = 0; ; ) {
    const part = { ...place, cursor, limit: Math.min(partRows, limit - sent), skip: sent === 0 ? skip : 0 };
    const { rows, nextCursor } = await queryList<Column, Row>(db, source, part);
    yield rows;
    sent += rows.length;
    if (nextCursor === null || sent >= limit) return;
    cursor = nextCursor;
  }
}

/** From here on it is worth asking how much of each environment is passed over in any case. */
const DEEP = COUNT_LIMIT;

/**
 * How many rows of each environment are certainly among those that are skipped, so that only the others have to be put in
 * order: all but as many as the other environments have together. A single environment's are known at once.
 */
async function planSkips(db: Queries, source: ListSource, skip: number): Promise<number[]> {
  const { environmentIds } = source;
  if (environmentIds.length === 1) return [skip];
  if (skip < DEEP) return environmentIds.map(() => 0);
  const values = [...source.values];
  const counts = partsOf(source, values, COUNTED).map((part, i) => `(select count(*)::int from ${part} c) as "${i}"`);
  const [sizes = {}] = await db.query<Record<string, number>>(`select ${counts.join(", ")}`, values);
  const known = environmentIds.map((_, i) => sizes[i] ?? 0).map((size) => (size > COUNT_LIMIT ? Number.POSITIVE_INFINITY : size));
  return known.map((own, i) => {
    const others = known.reduce((sum, size, other) => (other === i ? sum : sum + size), 0);
    return Math.min(own, Math.max(0, skip - others));
  });
}

interface Part {
  columns: string;
  /** SQL: further conditions. */
  following: string;
  sorted: string;
  limit: number;
  /** How many rows of each environment are passed over; none when absent. */
  skips?: readonly number[];
}

/** For counting, in the order of an index: without any, the whole table might be read for an environment that comes last in it. */
const COUNTED: Part = {
  columns: `c."environmentId", c."createdAt", c.id`,
  following: "true",
  sorted: `"createdAt", id`,
  limit: COUNT_LIMIT + 1,
};

/**
 * SQL: the first rows that match of every environment, each part in the order of an index.
 * @param values of the conditions: it adds its own
 */
function partsOf(
  { table, environmentIds, conditions: common, anyOf = [], isSelective }: ListSource,
  values: unknown[],
  { columns, following, sorted, limit, skips }: Part,
): string[] {
  const most = `$${values.push(limit)}::bigint`;
  const either = anyOf.map(({ condition }) => condition).join(" or ");
  const conditions = [...common, ...(either === "" ? [] : [`(${either})`])];
  return environmentIds.map((id, i) => {
    const matching = [`c."environmentId" = $${values.push(id)}::text`, ...conditions].join(" and ");
    const from = isSelective
      ? `(select * from ${table} c where ${matching} offset 0) c where ${following}`
      : `${table} c where ${matching} and ${following}`;
    const skip = skips?.[i] ?? 0;
    const offset = skip > 0 ? ` offset $${values.push(skip)}::bigint` : "";
    return `(select ${columns} from ${from} order by ${sorted} limit ${most}${offset})`;
  });
}

/**
 * How many rows the list has: exactly up to 10,000, and what the planner takes for likely beyond. What one of several
 * indexes finds is looked up in each of them, because rows in the order of the list might be far between.
 */
export async function countList(db: Queries, source: ListSource): Promise<{ total: number; isEstimate: boolean }> {
  if (source.environmentIds.length === 0) return { total: 0, isEstimate: false };
  const bound = [...source.values];
  const { anyOf = [] } = source;
  const parts =
    anyOf.length === 0
      ? partsOf(source, bound, COUNTED).join(" union all ")
      : anyOf
          .flatMap((alternative) =>
            partsOf({ ...source, anyOf: [alternative] }, bound, { ...COUNTED, sorted: alternative.indexOrder }),
          )
          .join(" union ");
  const [counted] = await db.query<{ total: number }>(
    `select count(*)::int as total from (select from (${parts}) c limit ${COUNT_LIMIT + 1}) c`,
    bound,
  );
  const { total = 0 } = counted ?? {};
  if (total <= COUNT_LIMIT) return { total, isEstimate: false };
  const { table, environmentIds, conditions: common, values } = source;
  const conditions = [...common, ...(anyOf.length === 0 ? [] : [`(${anyOf.map(({ condition }) => condition).join(" or ")})`])];
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
