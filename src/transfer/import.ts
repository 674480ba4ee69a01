import { type CatalogueTable, readTables } from "../db/catalogue.ts";
import { notifyChange } from "../db/change-feed.ts";
import { openSession, quoteName, type Session } from "../db/session.ts";
import { FORMAT, FORMAT_VERSION, type LineCounts, TransferError } from "./export.ts";
import { LINE_TYPES, ROOT_TYPES } from "./line-types.ts";

export interface ImportOptions {
  /** Past a transaction pooler. */
  url: string;
  source: AsyncIterable<Buffer>;
  onProgress?(what: string): void;
}

export interface ImportReport {
  /** Lines of a type. */
  read: LineCounts;
  /** Those that made a row; the others were there already and stay as they are. */
  written: LineCounts;
}

/** A statement takes about this much; a line may be longer and then goes alone. */
const BATCH_BYTES = 1_000_000;
const BATCH_LINES = 500;
const LINE_MAX_BYTES = 64_000_000;

/** Lines of one type and the same columns that follow one another. */
interface Batch {
  table: CatalogueTable;
  type: string;
  columns: string[];
  /** Of the first one. */
  lineNumber: number;
  texts: string[];
  bytes: number;
}

const TABLES = new Map(
  [...ROOT_TYPES, ...LINE_TYPES].map(({ type, table, withheld }) => [type, { table, withheld: withheld ?? [] }]),
);

/**
 * Writes what an export has into this installation, in one transaction, under the same ids. What is there already under
 * its id stays as it is, so it can be run again; what meets another row (the same address under another id) undoes all.
 * Running servers are told. Memory does not grow with the number of lines. Throws {@link TransferError}.
 */
export async function importLines({ url, source, onProgress = () => undefined }: ImportOptions): Promise<ImportReport> {
  const session = await openSession({ url, name: "import" });
  const report: ImportReport = { read: {}, written: {} };
  try {
    return await session.transaction(async () => {
      const tables = new Map((await readTables(session)).map((table) => [table.name, table]));
      const environments = new Set<string>();
      let batch: Batch | null = null;
      let number = 0;
      for await (const text of readLines(source)) {
        number += 1;
        const { type, data } = parseLine(text, number);
        if (number === 1) {
          requireHead(text);
          continue;
        }
        const table = tableFor(type, data, { tables, environments, number });
        const columns = Object.keys(data);
        if (batch && !takes(batch, type, columns)) {
          await write(session, batch, report);
          batch = null;
        }
        onProgress(`${type}, line ${number}`);
        batch ??= { table, type, columns, lineNumber: number, texts: [], bytes: 0 };
        batch.texts.push(text);
        batch.bytes += text.length;
      }
      if (number === 0) throw new TransferError("the file is empty");
      if (batch) await write(session, batch, report);
      for (const id of environments) await notifyChange(session, "environment", id);
      return report;
    });
  } finally {
    await session.close();
  }
}

function parseLine(text: string, number: number): { type: string; data: Record<string, unknown> } {
  let line: unknown;
  try {
    line = JSON.parse(text);
  } catch {
    throw new TransferError(`line ${number} is not valid JSON`);
  }
  if (!isRecord(line) || typeof line.type !== "string") throw new TransferError(`line ${number} has no type`);
  if (number > 1 && !isRecord(line.data)) throw new TransferError(`line ${number} has no data`);
  return { type: line.type, data: isRecord(line.data) ? line.data : {} };
}

function requireHead(text: string): void {
  const head: unknown = JSON.parse(text);
  if (!isRecord(head) || head.type !== FORMAT)
    throw new TransferError("this is no export of Mortar: its first line does not say so");
  if (head.version !== FORMAT_VERSION)
    throw new TransferError(`the export has format ${String(head.version)}, this release reads ${FORMAT_VERSION}`);
}

interface Known {
  tables: ReadonlyMap<string, CatalogueTable>;
  /** Those of the file so far. */
  environments: Set<string>;
  number: number;
}

/** Where a line goes, after it was found to belong there. */
function tableFor(type: string, data: Record<string, unknown>, { tables, environments, number }: Known): CatalogueTable {
  const line = TABLES.get(type);
  const table = line && tables.get(line.table);
  if (!table) throw new TransferError(`line ${number} is of the type ${type}, which this release does not know`);
  const unknown = Object.keys(data).find((column) => !table.columns.includes(column) || line.withheld.includes(column));
  if (unknown !== undefined) throw new TransferError(`line ${number} (${type}) has ${unknown}, which this release does not take`);
  if (type === "environment" && typeof data.id === "string") environments.add(data.id);
  if (
    table.columns.includes("environmentId") &&
    !(typeof data.environmentId === "string" && environments.has(data.environmentId))
  )
    throw new TransferError(`line ${number}: the ${type} belongs to no environment of the file`);
  return table;
}

const takes = ({ type, columns, texts, bytes }: Batch, otherType: string, otherColumns: readonly string[]): boolean =>
  type === otherType &&
  texts.length < BATCH_LINES &&
  bytes < BATCH_BYTES &&
  columns.length === otherColumns.length &&
  columns.every((column, i) => column === otherColumns[i]);

/** The database reads the lines' own text: nothing of a number or a text is lost on the way. */
async function write(session: Session, { table, type, columns, texts, lineNumber }: Batch, report: ImportReport): Promise<void> {
  const names = columns.map(quoteName).join(", ");
  const key = table.primaryKey.map(quoteName).join(", ");
  try {
    const written = await session.execute(
      `insert into ${quoteName(table.name)} (${names})
       select ${columns.map((column) => `x.${quoteName(column)}`).join(", ")}
       from json_array_elements($1::json) line, json_populate_record(null::${quoteName(table.name)}, line -> 'data') x
       on conflict (${key}) do nothing`,
      [`[${texts.join(",")}]`],
    );
    report.read[type] = (report.read[type] ?? 0) + texts.length;
    report.written[type] = (report.written[type] ?? 0) + written;
  } catch (error) {
    const last = lineNumber + texts.length - 1;
    throw new TransferError(
      `lines ${lineNumber} to ${last} (${type}) cannot be written: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
}

/** The lines of a stream, without their ends; the last one need not have one. */
async function* readLines(source: AsyncIterable<Buffer>): AsyncGenerator<string> {
  let held: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of source) {
    let from = 0;
    for (let end = chunk.indexOf(0x0a); end !== -1; end = chunk.indexOf(0x0a, from)) {
      yield Buffer.concat([...held, chunk.subarray(from, end)]).toString("utf8");
      held = [];
      bytes = 0;
      from = end + 1;
    }
    held.push(chunk.subarray(from));
    bytes += chunk.length - from;
    if (bytes > LINE_MAX_BYTES) throw new TransferError(`a line is longer than ${LINE_MAX_BYTES} bytes`);
  }
  if (bytes > 0) yield Buffer.concat(held).toString("utf8");
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
