/** How many examples of each fault are kept. */
const EXAMPLES = 20;

/** Rows of one table by what became of them. `read` is the sum of the others. */
export interface TableCounts {
  read: number;
  written: number;
  /** In the database before, and left as they were there. */
  there: number;
  left: number;
}

/** A fault, or a change, that rows of one table have in common. */
export interface Finding {
  table: string;
  reason: string;
  count: number;
  /** Ids of the first rows, some with what is particular to them. */
  examples: string[];
}

/** What an import did. */
export interface ImportReport {
  tables: { table: string; counts: TableCounts }[];
  /** Rows that did not come over. */
  left: Finding[];
  /** Rows that came over without something. */
  changed: Finding[];
  /** Tables of the source of which Mortar keeps nothing; rows are null when nobody counted them. */
  ignored: { table: string; rows: number | null }[];
  /** Values that are not brought over on purpose, and how many rows had them. */
  notes: { text: string; count: number }[];
}

export type ReportBuilder = ReturnType<typeof createReportBuilder>;

/** Collects what the phases of an import find. */
export function createReportBuilder() {
  const tables = new Map<string, TableCounts>();
  const findings = { left: new Map<string, Finding>(), changed: new Map<string, Finding>() };
  const ignored = new Map<string, number | null>();
  const notes = new Map<string, number>();
  return { countRead, countOutcome, leave, find, ignore, note, finish };

  function of(table: string): TableCounts {
    const counts = tables.get(table) ?? { read: 0, written: 0, there: 0, left: 0 };
    tables.set(table, counts);
    return counts;
  }

  function countRead(table: string, rows: number): void {
    of(table).read += rows;
  }

  function countOutcome(table: string, outcome: "written" | "there" | "left", rows: number): void {
    of(table)[outcome] += rows;
  }

  /** One row that does not come over. */
  function leave(table: string, reason: string, example: string): void {
    countOutcome(table, "left", 1);
    find("left", { table, reason, count: 1, examples: [example] });
  }

  /** Rows with a fault, which are counted as left elsewhere if they are. */
  function find(kind: "left" | "changed", { table, reason, count, examples }: Finding): void {
    const key = `${table}\n${reason}`;
    const known = findings[kind].get(key);
    if (!known) findings[kind].set(key, { table, reason, count, examples: examples.slice(0, EXAMPLES) });
    else {
      known.count += count;
      known.examples.push(...examples.slice(0, EXAMPLES - known.examples.length));
    }
  }

  function ignore(table: string, rows: number | null): void {
    const before = ignored.get(table) ?? 0;
    ignored.set(table, rows === null ? null : before + rows);
  }

  function note(text: string): void {
    notes.set(text, (notes.get(text) ?? 0) + 1);
  }

  function finish(): ImportReport {
    return {
      tables: [...tables].map(([table, counts]) => ({ table, counts })),
      left: [...findings.left.values()],
      changed: [...findings.changed.values()],
      ignored: [...ignored].map(([table, rows]) => ({ table, rows })),
      notes: [...notes].map(([text, count]) => ({ text, count })),
    };
  }
}

/** The report for a person to read: a table, then what was left and why. */
export function formatReport(report: ImportReport): string {
  const { tables, left, changed, ignored, notes } = report;
  return [
    formatCounts(tables),
    ...section("Left, not imported", left.map(formatFinding)),
    ...section("Imported with a change", changed.map(formatFinding)),
    ...section(
      "Not kept",
      notes.map(({ text, count }) => `${text} (${count})`),
    ),
    ...section(
      "Tables of which Mortar keeps nothing",
      ignored.map(({ table, rows }) => (rows === null ? table : `${table} (${rows} rows)`)),
    ),
  ].join("\n");
}

function formatCounts(tables: ImportReport["tables"]): string {
  const heading = ["table", "read", "written", "already there", "left"];
  const rows = tables.map(({ table, counts }) => [
    table,
    ...[counts.read, counts.written, counts.there, counts.left].map(String),
  ]);
  const widths = heading.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)));
  const line = (cells: string[]) =>
    cells.map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0))).join("  ");
  return [heading, ...rows].map(line).join("\n");
}

const section = (title: string, lines: string[]): string[] =>
  lines.length === 0 ? [] : ["", `${title}:`, ...lines.map((line) => `  ${line}`)];

function formatFinding({ table, reason, count, examples }: Finding): string {
  const more = count > examples.length ? `, and ${count - examples.length} more` : "";
  return `${table}: ${count} × ${reason}: ${examples.join(", ")}${more}`;
}

export { EXAMPLES as REPORT_EXAMPLES };
