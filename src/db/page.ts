import type { Transaction } from "./database.ts";

/** Which rows of a list, in which order. Dates are inclusive and apply to the column that `filterDateField` names. */
export interface Page {
  limit: number;
  skip: number;
  sortBy: "createdAt" | "updatedAt";
  order: "asc" | "desc";
  startDate?: Date | undefined;
  endDate?: Date | undefined;
  filterDateField: "createdAt" | "updatedAt";
}

export interface PageSource {
  /** SQL: the columns of `t`, and from where it comes (`from things t where …`, with parameters from `$1`). */
  columns: string;
  from: string;
  values: unknown[];
  /** SQL: what tells rows of one moment apart, so that pages neither repeat nor miss one; `t.id` when absent. */
  tieBreaker?: string[];
}

type Queries = Pick<Transaction, "query">;

/** One page of the rows `t`, and how many there are in all. */
export async function queryPage<Row extends object>(
  db: Queries,
  source: PageSource,
  page: Page,
): Promise<{ rows: Row[]; total: number }> {
  const { text, values } = matching(source, page);
  const [rows, counts] = await Promise.all([
    queryRows<Row>(db, source, page),
    db.query<{ total: number }>(`select count(*)::int as total ${text}`, values),
  ]);
  return { rows, total: counts[0]?.total ?? 0 };
}

/** One page of the rows `t`. */
async function queryRows<Row extends object>(db: Queries, source: PageSource, page: Page): Promise<Row[]> {
  const { columns, tieBreaker = ["t.id"] } = source;
  const { text, values } = matching(source, page);
  const orderBy = [`t."${page.sortBy}"`, ...tieBreaker].map((column) => `${column} ${page.order}`).join(", ");
  const limits = `limit $${values.length + 1} offset $${values.length + 2}`;
  return await db.query<Row>(`select ${columns} ${text} order by ${orderBy} ${limits}`, [...values, page.limit, page.skip]);
}

function matching({ from, values }: PageSource, page: Page): { text: string; values: unknown[] } {
  const bound = [...values, page.startDate ?? null, page.endDate ?? null];
  const [start, end] = [`$${bound.length - 1}::timestamptz`, `$${bound.length}::timestamptz`];
  const date = `t."${page.filterDateField}"`;
  const text = `${from} and (${start} is null or ${date} >= ${start}) and (${end} is null or ${date} <= ${end})`;
  return { text, values: bound };
}
