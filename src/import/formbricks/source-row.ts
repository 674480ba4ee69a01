/** Why a row of the source cannot come over. The text is the same for all rows with this fault, so that they can be counted. */
export class BadRow extends Error {
  override readonly name = "BadRow";
}

/** A value that PostgreSQL can hold in a `jsonb` column. */
type JsonValue = string | number | boolean | null | JsonValue[] | { [key: string]: JsonValue };

/** Longest id, and longest other text that is part of an index (bytes of UTF-8). A B-tree entry holds about 2,700. */
const MAX_ID_BYTES = 255;
export const MAX_INDEXED_BYTES = 2_000;

/**
 * One row as the source has it, read column by column. Every reader throws {@link BadRow} when the value is not what
 * the column may hold. A column that is absent counts as null.
 */
export interface SourceRow {
  readonly values: Readonly<Record<string, unknown>>;
  has(column: string): boolean;
  /** An id, or a reference to one. */
  id(column: string): string;
  idOrNull(column: string): string | null;
  text(column: string): string;
  textOrNull(column: string): string | null;
  /** Text that is part of an index of ours, and therefore limited in length. */
  indexed(column: string): string;
  indexedOrNull(column: string): string | null;
  /** A point in time, as ISO 8601 in UTC with milliseconds; one without a zone is UTC. */
  time(column: string): string;
  timeOrNull(column: string): string | null;
  boolean(column: string, fallback?: boolean): boolean;
  integer(column: string, fallback?: number): number;
  oneOf<Value extends string>(column: string, values: readonly Value[], fallback?: Value): Value;
  object(column: string, fallback?: JsonValue): JsonValue;
  objectOrNull(column: string): JsonValue;
  array(column: string, fallback?: JsonValue[]): JsonValue[];
  /** Texts; null is the empty list. */
  texts(column: string): string[];
}

/** Throws {@link BadRow} when the row is not an object at all. */
export function readSourceRow(row: unknown): SourceRow {
  if (!isRecord(row)) throw new BadRow("the row is not an object");
  const values = row;
  return {
    values,
    has: (column) => given(column) !== null,
    id: (column) => required(column, idOrNull(column)),
    idOrNull,
    text: (column) => required(column, textOrNull(column)),
    textOrNull,
    indexed: (column) => required(column, indexedOrNull(column)),
    indexedOrNull,
    time: (column) => required(column, timeOrNull(column)),
    timeOrNull,
    boolean,
    integer,
    oneOf,
    object: (column, fallback) => required(column, objectOrNull(column) ?? fallback ?? null),
    objectOrNull,
    array,
    texts,
  };

  function given(column: string): unknown {
    return (Object.hasOwn(values, column) ? values[column] : null) ?? null;
  }

  function required<Value>(column: string, value: Value | null): Value {
    if (value === null) throw new BadRow(`column ${column} is ${Object.hasOwn(values, column) ? "null" : "missing"}`);
    return value;
  }

  function textOrNull(column: string): string | null {
    const value = given(column);
    if (value !== null && typeof value !== "string") throw new BadRow(`column ${column} is not text`);
    return value;
  }

  function idOrNull(column: string): string | null {
    const value = textOrNull(column);
    if (value === "") throw new BadRow(`column ${column} is empty`);
    if (value !== null && Buffer.byteLength(value) > MAX_ID_BYTES)
      throw new BadRow(`column ${column} is longer than ${MAX_ID_BYTES} bytes`);
    return value;
  }

  function indexedOrNull(column: string): string | null {
    const value = textOrNull(column);
    if (value !== null && Buffer.byteLength(value) > MAX_INDEXED_BYTES)
      throw new BadRow(`column ${column} is longer than ${MAX_INDEXED_BYTES} bytes`);
    return value;
  }

  function timeOrNull(column: string): string | null {
    const value = given(column);
    if (value === null) return null;
    const time = typeof value === "string" ? parseTime(value) : null;
    if (time === null) throw new BadRow(`column ${column} is not a time`);
    return time;
  }

  function boolean(column: string, fallback?: boolean): boolean {
    const value = required(column, given(column) ?? fallback ?? null);
    if (typeof value !== "boolean") throw new BadRow(`column ${column} is not a boolean`);
    return value;
  }

  function integer(column: string, fallback?: number): number {
    const value = required(column, given(column) ?? fallback ?? null);
    if (typeof value !== "number" || !Number.isInteger(value) || Math.abs(value) > 2_147_483_647)
      throw new BadRow(`column ${column} is not an integer`);
    return value;
  }

  function oneOf<Value extends string>(column: string, allowed: readonly Value[], fallback?: Value): Value {
    const value = required(column, given(column) ?? fallback ?? null);
    const found = allowed.find((candidate) => candidate === value);
    if (found === undefined) throw new BadRow(`column ${column} is none of ${allowed.join(", ")}`);
    return found;
  }

  function objectOrNull(column: string): JsonValue {
    const value = given(column);
    if (value !== null && !isJsonObject(value)) throw new BadRow(`column ${column} is not an object`);
    return value;
  }

  function array(column: string, fallback?: JsonValue[]): JsonValue[] {
    const value = required(column, given(column) ?? fallback ?? null);
    if (!isJsonArray(value)) throw new BadRow(`column ${column} is not an array`);
    return value;
  }

  function texts(column: string): string[] {
    return array(column, []).map((item) => {
      if (typeof item !== "string") throw new BadRow(`column ${column} holds something that is not text`);
      return item;
    });
  }
}

/** What to call a row in the report: its id, or for a link the ids that it links, or its place in the source. */
export function nameRow(row: unknown, n: number): string {
  if (isRecord(row)) {
    const id = row.id;
    if (typeof id === "string" && id !== "") return id;
    const ids = Object.entries(row).filter(([column, value]) => column.endsWith("Id") && typeof value === "string");
    if (ids.length > 0) return ids.map(([, value]) => String(value)).join("/");
  }
  return `row ${n} of the source`;
}

const TIME = /^(\d{4}-\d{2}-\d{2})[T ](\d{2}:\d{2}:\d{2})(\.\d{1,9})?(Z|[+-]\d{2}(?::?\d{2})?)?$/;

/**
 * A time as databases and programs write it (`2025-01-31T10:00:00.000`, `2025-01-31 10:00:00+02`, …) as ISO 8601 in
 * UTC with milliseconds, or null. Formbricks' columns have no zone and hold UTC.
 */
export function parseTime(text: string): string | null {
  const [, date, time, fraction = "", zone = "Z"] = TIME.exec(text) ?? [];
  if (date === undefined || time === undefined) return null;
  const offset = zone === "Z" ? zone : `${zone.slice(0, 3)}:${zone.slice(3).replace(":", "") || "00"}`;
  const parsed = new Date(`${date}T${time}${fraction.slice(0, 4)}${offset}`);
  // Date takes the 31st of February for the 3rd of March; a date that moved did not exist.
  const isReal = !Number.isNaN(parsed.getTime()) && new Date(`${date}T00:00:00Z`).toJSON()?.startsWith(date);
  return isReal ? parsed.toISOString() : null;
}

/** PostgreSQL stores neither NUL nor half a surrogate pair; `JSON.stringify` writes both as `\u` escapes. */
const UNSTORABLE = /(?<!\\)(?:\\\\)*\\u(?:0000|d[89a-f][0-9a-f]{2})/;

/**
 * The row as JSON text for PostgreSQL. Throws {@link BadRow} naming the column that holds what the database cannot
 * store, or when a value is nested too deeply to be written.
 */
export function toStorableJson(row: Readonly<Record<string, unknown>>): string {
  const text = stringify(row);
  if (!text.includes("\\u") || !UNSTORABLE.test(text)) return text;
  const column = Object.keys(row).find((name) => UNSTORABLE.test(stringify(row[name])));
  throw new BadRow(`column ${column} holds a NUL or an unpaired surrogate, which PostgreSQL cannot store`);
}

function stringify(value: unknown): string {
  try {
    return JSON.stringify(value ?? null);
  } catch (error) {
    if (error instanceof RangeError) throw new BadRow("a value is nested too deeply");
    throw error;
  }
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

// Rows come out of JSON.parse, so an object or array among them holds JSON values only.
const isJsonObject = (value: unknown): value is { [key: string]: JsonValue } => isRecord(value);
const isJsonArray = (value: unknown): value is JsonValue[] => Array.isArray(value);
