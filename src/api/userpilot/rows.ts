/** The rows of a list, one by one, with their numbers. */
import { parse as parseCsv } from "csv-parse";
import { readJsonList } from "./json-list.ts";
import type { Upload } from "./upload.ts";

/** A row, or why there is none. The first is number 1. */
export type Row = { row: number; value: unknown } | { row: number; broken: string };

/** The longest line of a file; a longer one is broken. */
const MAX_LINE_BYTES = 1024 * 1024;

/** @param listName the member of a JSON body that has the rows */
export function readRows(upload: Upload, listName: string): AsyncGenerator<Row> {
  switch (upload.format) {
    case "json":
      return numbered(readJsonList(upload.bytes, listName));
    case "ndjson":
      return numbered(readLines(upload.bytes));
    case "csv":
      return readCsv(upload.bytes);
  }
}

type Unnumbered = { value: unknown } | { broken: string };

async function* numbered(items: AsyncIterable<Unnumbered>): AsyncGenerator<Row> {
  let row = 0;
  for await (const item of items) yield { row: ++row, ...item };
}

/** JSON, one value per line; blank lines do not count. */
async function* readLines(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Unnumbered> {
  let parts: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of chunks) {
    let start = 0;
    for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, start)) {
      keep(chunk.subarray(start, end));
      yield* takeLine();
      start = end + 1;
    }
    keep(chunk.subarray(start));
  }
  yield* takeLine();

  /** Of a line that is too long only the length is kept. */
  function keep(part: Uint8Array): void {
    length += part.length;
    if (length > MAX_LINE_BYTES) parts = [];
    else if (part.length > 0) parts.push(part);
  }

  function* takeLine(): Generator<Unnumbered> {
    const line = Buffer.concat(parts)
      .toString("utf8")
      .replace(/^\uFEFF/, "")
      .trim();
    const isTooLong = length > MAX_LINE_BYTES;
    parts = [];
    length = 0;
    if (isTooLong) yield { broken: "The line is too long" };
    else if (line !== "") yield parseLine(line);
  }
}

function parseLine(line: string): Unnumbered {
  try {
    return { value: JSON.parse(line) };
  } catch {
    return { broken: "The line is not valid JSON" };
  }
}

/** Records by the names in the first line. Blank cells are left out. */
async function* readCsv(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Row> {
  let row = 0;
  const broken: Row[] = [];
  const parser = parseCsv({
    bom: true,
    columns: (names: string[]) => names.map((name) => name.trim()),
    skip_empty_lines: true,
    skip_records_with_error: true,
    max_record_size: MAX_LINE_BYTES,
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
