/** CSV files as callers send them. */
import { parse as parseCsv } from "csv-parse";

/** A record by the names in the first line, without its blank cells, or why there is none. The first is number 1. */
export type CsvRow = { row: number; value: Record<string, string> } | { row: number; broken: string };

/** Reads a CSV file as it arrives. A line that is broken does not keep those after it from being read. */
export async function* readCsv(
  chunks: AsyncIterable<Uint8Array>,
  { maxRecordBytes }: { maxRecordBytes: number },
): AsyncGenerator<CsvRow> {
  let row = 0;
  const broken: CsvRow[] = [];
  const parser = parseCsv({
    bom: true,
    columns: (names: string[]) => names.map((name) => name.trim()),
    skip_empty_lines: true,
    skip_records_with_error: true,
    max_record_size: maxRecordBytes,
    on_record: (record: Record<string, string>) => ({ row: ++row, value: withoutBlanks(record) }),
    on_skip: () => {
      broken.push({ row: ++row, broken: "The line does not have the columns of the first one or is not valid CSV" });
    },
  });
  const feeding = feed();
  try {
    for await (const record of parser) {
      yield* broken.splice(0);
      yield record;
    }
  } catch (error) {
    if (!(error instanceof Error && "code" in error && String(error.code).startsWith("CSV_"))) throw error;
    broken.push({ row: ++row, broken: "The file is not valid CSV from here on" });
  }
  yield* broken;
  await feeding;

  async function feed(): Promise<void> {
    try {
      for await (const chunk of chunks) {
        if (parser.destroyed) continue; // after an error the rest is of no use
        if (!parser.write(chunk)) await new Promise((resume) => parser.once("drain", resume).once("close", resume));
      }
      parser.end();
    } catch (error) {
      parser.destroy(error instanceof Error ? error : new Error(String(error)));
    }
  }
}

const withoutBlanks = (record: Record<string, string>): Record<string, string> =>
  Object.fromEntries(Object.entries(record).filter(([name, cell]) => name !== "" && cell.trim() !== ""));
