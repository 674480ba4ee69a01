/**
 * Takes `{ "<table>": [ row, row, … ], … }` apart without holding more than one row: the file may be larger than
 * memory. It finds where rows begin and end and leaves what is inside them to `JSON.parse`; unlike a general
 * streaming parser it knows the byte at which a file stops making sense, and is some ten times as fast.
 */
export interface JsonTableHandler {
  /** Where `rows` of `table` begin and end; `text` is one row, `offset` its first byte in the file. */
  row(table: string, text: Buffer, offset: number): void;
  /** A table begins; false when its rows need not be kept together and handed over, only counted. */
  table(name: string): boolean;
  /** A row of a table that is only counted. */
  skipped(table: string): void;
}

/** The file is not of the expected form. `offset` is the byte at which that shows. */
export class MalformedFile extends Error {
  override readonly name = "MalformedFile";
  readonly offset: number;

  constructor(message: string, offset: number) {
    super(message);
    this.offset = offset;
  }
}

type Place = "start" | "name" | "firstName" | "colon" | "array" | "row" | "firstRow" | "rowEnd" | "tableEnd" | "end";

const [QUOTE, BACKSLASH, COMMA, COLON] = [0x22, 0x5c, 0x2c, 0x3a] as const;
const [OPEN_ARRAY, CLOSE_ARRAY, OPEN_OBJECT, CLOSE_OBJECT] = [0x5b, 0x5d, 0x7b, 0x7d] as const;
const BYTE_ORDER_MARK = Buffer.from([0xef, 0xbb, 0xbf]);

/** What is expected where, for messages. */
const EXPECTED: Record<Place, string> = {
  start: 'expected "{" before the first table',
  firstName: 'expected a table\'s name in quotes, or "}"',
  name: "expected a table's name in quotes",
  colon: 'expected ":" after a table\'s name',
  array: 'expected "[" before a table\'s rows',
  firstRow: 'expected a row, or "]"',
  row: "expected a row",
  rowEnd: 'expected "," or "]" after a row',
  tableEnd: 'expected "," or "}" after a table',
  end: 'expected nothing after the last "}"',
};

/** The bytes that lead from one place to another. */
const NEXT: Record<Place, ReadonlyMap<number, Place>> = {
  start: new Map([[OPEN_OBJECT, "firstName"]]),
  firstName: new Map([[CLOSE_OBJECT, "end"]]),
  name: new Map(),
  colon: new Map([[COLON, "array"]]),
  array: new Map([[OPEN_ARRAY, "firstRow"]]),
  firstRow: new Map([[CLOSE_ARRAY, "tableEnd"]]),
  row: new Map(),
  rowEnd: new Map([
    [COMMA, "row"],
    [CLOSE_ARRAY, "tableEnd"],
  ]),
  tableEnd: new Map([
    [COMMA, "name"],
    [CLOSE_OBJECT, "end"],
  ]),
  end: new Map(),
};

/** @returns `write` for each piece of the file in turn, then `end`; both throw {@link MalformedFile} */
export function createJsonTableSplitter(handler: JsonTableHandler) {
  let place: Place = "start";
  let offset = 0; // of the first byte of the current piece
  let table = "";
  let isKept = false;
  // The value that is being passed over: a table's name or a row.
  let inValue = false;
  let valueOffset = 0;
  let depth = 0;
  let isScalar = false;
  let inText = false;
  let isEscaped = false;
  let parts: Buffer[] = [];
  return { write, end };

  function write(piece: Buffer): void {
    let at = offset === 0 && piece.subarray(0, 3).equals(BYTE_ORDER_MARK) ? 3 : 0;
    while (at < piece.length) at = inValue ? passValue(piece, at) : passMark(piece, at);
    offset += piece.length;
  }

  function end(): void {
    if (place === "end") return;
    const where = table === "" ? "" : `, in table ${table}`;
    throw new MalformedFile(`the file ends too early${where}: ${inValue ? "a value is cut off" : EXPECTED[place]}`, offset);
  }

  /** Between values. Returns the position to go on at. */
  function passMark(piece: Buffer, at: number): number {
    const byte = piece[at] ?? 0;
    if (byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09) return at + 1;
    const next = NEXT[place].get(byte);
    if (next !== undefined) {
      place = next;
      return at + 1;
    }
    const isName = (place === "name" || place === "firstName") && byte === QUOTE;
    const isRow = (place === "row" || place === "firstRow") && byte !== COMMA && byte !== COLON && !isClosing(byte);
    if (!isName && !isRow) throw new MalformedFile(`${EXPECTED[place]}${table === "" ? "" : ` (table ${table})`}`, offset + at);
    inValue = true;
    valueOffset = offset + at;
    depth = 0;
    isScalar = byte !== QUOTE && byte !== OPEN_OBJECT && byte !== OPEN_ARRAY;
    return at;
  }

  /** Inside a value that began at or before `from`. Returns the position after it, or the piece's end. */
  function passValue(piece: Buffer, from: number): number {
    const end = findEnd(piece, from);
    if (isKept || place === "name" || place === "firstName") parts.push(piece.subarray(from, end ?? piece.length));
    if (end === undefined) return piece.length;
    finishValue();
    return end;
  }

  /** Where the value ends, or undefined when it goes on in the next piece. Each byte of the file passes here once. */
  function findEnd(piece: Buffer, from: number): number | undefined {
    for (let at = from; at < piece.length; ) {
      if (inText) at = passText(piece, at);
      else {
        const mark = findMark(piece, at);
        if (mark === piece.length) return undefined;
        if (isScalar && piece[mark] !== QUOTE) return mark;
        passValueMark(piece[mark]);
        at = mark + 1;
      }
      if (!inText && depth === 0 && !isScalar) return at;
    }
    return undefined;
  }

  /** The position after the text's closing quote, or the piece's end. */
  function passText(piece: Buffer, from: number): number {
    for (let at = from; at < piece.length; at++) {
      if (isEscaped) isEscaped = false;
      else if (piece[at] === BACKSLASH) isEscaped = true;
      else if (piece[at] === QUOTE) {
        inText = false;
        return at + 1;
      }
    }
    return piece.length;
  }

  /** The next byte that is a quote, opens or closes something, or ends a scalar; or the piece's end. */
  function findMark(piece: Buffer, from: number): number {
    let at = from;
    while (at < piece.length && !isMark(piece[at] ?? 0)) at++;
    return at;
  }

  function isMark(byte: number): boolean {
    if (byte === QUOTE || isClosing(byte)) return true;
    return isScalar ? byte === COMMA : byte === OPEN_OBJECT || byte === OPEN_ARRAY;
  }

  function passValueMark(byte: number | undefined): void {
    if (byte === QUOTE) inText = true;
    else depth += byte === OPEN_OBJECT || byte === OPEN_ARRAY ? 1 : -1;
  }

  function finishValue(): void {
    const [first = Buffer.alloc(0)] = parts;
    const text = parts.length === 1 ? first : Buffer.concat(parts);
    parts = [];
    inValue = false;
    if (place === "name" || place === "firstName") {
      table = parseName(text);
      isKept = handler.table(table);
      place = "colon";
    } else {
      if (isKept) handler.row(table, text, valueOffset);
      else handler.skipped(table);
      place = "rowEnd";
    }
  }

  function parseName(text: Buffer): string {
    const name = parseJson(text, valueOffset, "a table's name");
    return String(name);
  }
}

/** Strict UTF-8 and JSON. Throws {@link MalformedFile} with the offset at which the text began. */
export function parseJson(text: Buffer, offset: number, what: string): unknown {
  try {
    return JSON.parse(decoder.decode(text));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new MalformedFile(`${what} is not valid JSON: ${reason}`, offset);
  }
}

const decoder = new TextDecoder("utf-8", { fatal: true });
const isClosing = (byte: number): boolean => byte === CLOSE_ARRAY || byte === CLOSE_OBJECT;
