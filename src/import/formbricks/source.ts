/** A piece of one table of the source: rows to import, or, of a table that is not wanted, just their number. */
export interface SourceBatch {
  table: string;
  rows: unknown[];
  /** Rows passed over; null when there may be some and nobody counted. */
  skipped: number | null;
  /** How much of the source has been read so far, in bytes; both 0 when that is not known. */
  bytes: { read: number; total: number };
}

/** Where Formbricks' tables come from. */
export interface Source {
  /** Every table once or in several batches, in no particular order. Throws {@link SourceError}. */
  read(isWanted: (table: string) => boolean): AsyncIterable<SourceBatch>;
}

/** The source cannot be read; the message tells a person why. */
export class SourceError extends Error {
  override readonly name = "SourceError";
}
