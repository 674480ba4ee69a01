import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { createJsonTableSplitter, MalformedFile, parseJson } from "./json-tables.ts";
import { type Source, type SourceBatch, SourceError } from "./source.ts";

/** Bytes of the file read at a time; also bounds the rows of a batch. */
const PIECE_BYTES = 1024 * 1024;

/** A JSON file of the form `{ "<Table>": [ { "<column>": value } ] }`, of any size and with its tables in any order. */
export function fileSource(path: string): Source {
  return { read };

  async function* read(isWanted: (table: string) => boolean): AsyncGenerator<SourceBatch> {
    const total = await sizeOf(path);
    let batches: SourceBatch[] = [];
    let bytesRead = 0;
    const splitter = createJsonTableSplitter({
      table(name) {
        batchOf(name);
        return isWanted(name);
      },
      row: (table, text, offset) => batchOf(table).rows.push(parseJson(text, offset, `a row of table ${table}`)),
      skipped(table) {
        const batch = batchOf(table);
        batch.skipped = (batch.skipped ?? 0) + 1;
      },
    });
    try {
      for await (const piece of createReadStream(path, { highWaterMark: PIECE_BYTES })) {
        splitter.write(piece);
        bytesRead += piece.length;
        yield* batches.map((batch) => ({ ...batch, bytes: { read: bytesRead, total } }));
        batches = [];
      }
      splitter.end();
    } catch (error) {
      if (error instanceof MalformedFile)
        throw new SourceError(`${path}, ${await placeOf(path, error.offset)}: ${error.message}`);
      throw isFileError(error) ? new SourceError(`cannot read ${path}: ${error.message}`) : error;
    }

    function batchOf(table: string): SourceBatch {
      const last = batches.at(-1);
      if (last?.table === table) return last;
      const batch: SourceBatch = { table, rows: [], skipped: 0, bytes: { read: 0, total } };
      batches.push(batch);
      return batch;
    }
  }
}

async function sizeOf(path: string): Promise<number> {
  try {
    const file = await stat(path);
    if (!file.isFile()) throw new SourceError(`${path} is not a file`);
    return file.size;
  } catch (error) {
    throw isFileError(error) ? new SourceError(`cannot read ${path}: ${error.message}`) : error;
  }
}

/** Line and column (of bytes) of an offset, found by reading the file once more: only a malformed one pays for it. */
async function placeOf(path: string, offset: number): Promise<string> {
  let line = 1;
  let lineStart = 0;
  let at = 0;
  if (offset > 0) {
    for await (const piece of createReadStream(path, { end: offset - 1 })) {
      for (const byte of piece) {
        at++;
        if (byte !== 0x0a) continue;
        line++;
        lineStart = at;
      }
    }
  }
  return `line ${line}, column ${offset - lineStart + 1} (byte ${offset})`;
}

const isFileError = (error: unknown): error is NodeJS.ErrnoException => error instanceof Error && "syscall" in error;
