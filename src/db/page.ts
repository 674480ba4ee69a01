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

/** One page of the rows `t`, and how many there are in all. */
export async function queryPage<Row extends object>(
  db: Pick<Transaction, "query">,
  { columns, from, values, tieBreaker = ["t.id"] }: PageSource,
  page: Page,
): Promise<{ rows: Row[]; total: number }> {
  const bound = [...values, page.startDate ?? null, page.endDate ?? null];
  const [start, end] = [`$${bound.length - 1}::timestamptz`, `$${bound.length}::timestamptz`];
  const date = `t."${page.filterDateField}"`;
  const matching = `${from} and (${start} is null or ${date} >= ${start}) and (${end} is null or ${date} <= ${end})`;
  const orderBy = [`t."${page.sortBy}"`, ...tieBreaker].map((column) => `${column} ${page.order}`).join(", ");
  const limits = `limit $${bound.length + 1} offset $${bound.length + 2}`;
  const [rows, counts] = await Promise.all([
    db.query<Row>(`select ${columns} ${matching} order by ${orderBy} ${limits}`, [...bound, page.limit, page.skip]),
    db.query<{ total: number }>(`select count(*)::int as total ${matching}`, bound),
  ]);
  return { rows, total: counts[0]?.total ?? 0 };
}
