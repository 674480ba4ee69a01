import { quoteName, type Session } from "../../db/session.ts";
import type { Columns, MappingTools, TableMapping } from "./mapping.ts";
import type { ReportBuilder } from "./report.ts";
import { BadRow, nameRow, readSourceRow, toStorableJson } from "./source-row.ts";

/** The temporary table in which a mapping's rows wait until all of the source was read. */
export const stagingTable = (mapping: TableMapping): string => quoteName(`staged_${mapping.target}`);

/** A mapping's columns in the staging table. `_n` numbers the rows in the order of the source. */
const stagingColumns = (mapping: TableMapping): Columns => ({
  _n: "bigint",
  _source: "text",
  ...mapping.columns,
  ...mapping.extra,
});

/**
 * Takes the rows of the source, maps each, and keeps them in temporary tables of the session: whatever the order of
 * the tables, memory holds one batch. Bad rows go to the report.
 */
export async function createStaging({
  session,
  mappings,
  tools,
  report,
}: {
  session: Session;
  mappings: readonly TableMapping[];
  tools: Omit<MappingTools, "source">;
  report: ReportBuilder;
}) {
  const bySource = new Map(mappings.flatMap((mapping) => mapping.sources.map((source) => [source, mapping] as const)));
  let n = 0;
  for (const mapping of mappings) {
    const columns = Object.entries(stagingColumns(mapping)).map(([name, type]) => `${quoteName(name)} ${type}`);
    await session.execute(`create temporary table ${stagingTable(mapping)} (${columns.join(", ")})`);
  }
  return { isWanted: (table: string) => bySource.has(table), add, finish };

  /** A batch of one table's rows, as the source has them. */
  async function add(source: string, rows: readonly unknown[]): Promise<void> {
    const mapping = bySource.get(source);
    if (!mapping) return;
    report.countRead(source, rows.length);
    const texts: string[] = [];
    const labels: string[] = [];
    for (const row of rows) {
      const label = nameRow(row, ++n);
      const text = mapRow(mapping, source, row, label);
      if (text === null) continue;
      texts.push(text);
      labels.push(label);
    }
    if (texts.length > 0) await insert(mapping, source, texts, labels);
  }

  /** To be called once all rows were added: lets the planner know how many there are. */
  async function finish(): Promise<void> {
    for (const mapping of mappings) await session.execute(`analyze ${stagingTable(mapping)}`);
  }

  function mapRow(mapping: TableMapping, source: string, row: unknown, label: string): string | null {
    try {
      return toStorableJson({ _n: n, _source: source, ...mapping.map(readSourceRow(row), { ...tools, source }) });
    } catch (error) {
      if (!(error instanceof BadRow)) throw error;
      report.leave(source, error.message, label);
      return null;
    }
  }

  /** Inserts the rows; when the database refuses one, halves the batch until that one is alone, and reports it. */
  async function insert(mapping: TableMapping, source: string, texts: string[], labels: string[]): Promise<void> {
    try {
      await session.execute(insertStatement(mapping), [`[${texts.join(",")}]`]);
    } catch (error) {
      if (!isDataError(error)) throw error;
      const middle = texts.length >> 1;
      if (middle === 0) return report.leave(source, "the database refuses a value", `${labels[0] ?? ""} (${error.message})`);
      await insert(mapping, source, texts.slice(0, middle), labels.slice(0, middle));
      await insert(mapping, source, texts.slice(middle), labels.slice(middle));
    }
  }
}

function insertStatement(mapping: TableMapping): string {
  const columns = Object.entries(stagingColumns(mapping)).map(([name, type]) => `${quoteName(name)} ${type}`);
  return `insert into ${stagingTable(mapping)} select * from json_to_recordset($1::json) as row(${columns.join(", ")})`;
}

/** SQLSTATE classes 22 (data exception) and 54 (a limit of the program, such as depth of nesting). */
const isDataError = (error: unknown): error is Error =>
  error instanceof Error && "code" in error && typeof error.code === "string" && /^(22|54)/.test(error.code);
