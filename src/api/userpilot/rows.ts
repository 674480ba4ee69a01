/** The rows of a list, one by one, with their numbers. */
import { type CsvRow, readCsv } from "../../http/csv-rows.ts";
import { readJsonList } from "./json-list.ts";
import type { Upload } from "./upload.ts";

/** A row, or why there is none. The first is number 1. */
export type Row = { row: number; value: unknown } | Extract<CsvRow, { broken: string }>;

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
      return readCsv(upload.bytes, { maxRecordBytes: MAX_LINE_BYTES });
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
