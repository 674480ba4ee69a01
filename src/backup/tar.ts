/**
 * Tar archives (POSIX ustar, with pax records for long names), written and read as streams: whatever is in them, only
 * one piece of it is in memory. Every `tar` can open them.
 */

/** What is wrong with an archive, in words for the operator. */
export class ArchiveError extends Error {
  override readonly name = "ArchiveError";
}

export interface TarEntry {
  name: string;
  size: number;
  /** To be read before the next entry is asked for; what is left of it is skipped. */
  body: AsyncIterable<Buffer>;
}

export type TarWriter = ReturnType<typeof createTarWriter>;

const BLOCK = 512;
const NAME_MAX = 100;
/** What the eleven octal digits of a header can say. */
const SIZE_MAX = 8 ** 11 - 1;
const PAX_MAX = 65_536;

/** @param write takes the bytes in their order and resolves when more may follow */
export function createTarWriter(write: (bytes: Buffer) => Promise<void>) {
  return { add, end };

  /** Adds a file of exactly `size` bytes. Throws {@link ArchiveError} when the chunks are more or fewer. */
  async function add(name: string, size: number, chunks: Iterable<Buffer> | AsyncIterable<Buffer>): Promise<void> {
    if (size > SIZE_MAX) throw new ArchiveError(`${name} is too large for an archive`);
    const plainName = Buffer.byteLength(name) <= NAME_MAX && /^[\x20-\x7e]*$/.test(name);
    if (!plainName) await addPax(`path=${name}`);
    await write(header(plainName ? name : "long-name", size, "0"));
    let written = 0;
    for await (const chunk of chunks) {
      written += chunk.length;
      if (written > size) break;
      await write(chunk);
    }
    if (written !== size) throw new ArchiveError(`${name} changed while it was read`);
    await write(padding(size));
  }

  /** Ends the archive; nothing may be added after it. */
  async function end(): Promise<void> {
    await write(Buffer.alloc(2 * BLOCK));
  }

  async function addPax(record: string): Promise<void> {
    const bytes = Buffer.from(paxRecord(record));
    await write(header("pax-header", bytes.length, "x"));
    await write(bytes);
    await write(padding(bytes.length));
  }
}

/** The files of an archive. Throws {@link ArchiveError} when it is damaged or breaks off. */
export async function* readTar(source: AsyncIterable<Buffer>): AsyncGenerator<TarEntry> {
  const bytes = createByteReader(source);
  let longName: string | undefined;
  for (;;) {
    const block = await bytes.exactly(BLOCK);
    if (isEmpty(block)) {
      if (!isEmpty(await bytes.exactly(BLOCK)) || !(await bytes.isAtEnd()))
        throw new ArchiveError("the archive is damaged at its end");
      return;
    }
    const { name, size, type } = parseHeader(block);
    if (type === "x") {
      if (size > PAX_MAX) throw new ArchiveError("the archive is damaged: a name is too long");
      longName = parsePax(await bytes.exactly(size));
      await skipPadding(size);
      continue;
    }
    if (type !== "0") throw new ArchiveError(`the archive is damaged: an entry has the unknown type ${JSON.stringify(type)}`);
    const body = bytes.slice(size);
    yield { name: longName ?? name, size, body };
    for await (const _rest of body); // what nobody wanted
    await skipPadding(size);
    longName = undefined;
  }

  async function skipPadding(size: number): Promise<void> {
    if (!isEmpty(await bytes.exactly(paddingOf(size)))) throw new ArchiveError("the archive is damaged between two entries");
  }
}

function header(name: string, size: number, type: "0" | "x"): Buffer {
  const block = Buffer.alloc(BLOCK);
  block.write(name, 0, "utf8");
  block.write("0000600\0", 100);
  block.write("0000000\0", 108);
  block.write("0000000\0", 116);
  block.write(`${size.toString(8).padStart(11, "0")}\0`, 124);
  block.write("00000000000\0", 136);
  block.write("        ", 148);
  block.write(type, 156);
  block.write("ustar\x0000", 257);
  block.write(`${sumOf(block).toString(8).padStart(6, "0")}\0 `, 148);
  return block;
}

function parseHeader(block: Buffer): { name: string; size: number; type: string } {
  const text = (start: number, length: number) => block.toString("utf8", start, start + length).split("\0")[0] ?? "";
  const expected = Number.parseInt(text(148, 8), 8);
  block.fill(" ", 148, 156);
  if (sumOf(block) !== expected || text(257, 6) !== "ustar") throw new ArchiveError("the archive is damaged, or is no backup");
  return { name: text(0, NAME_MAX), size: Number.parseInt(text(124, 12), 8), type: text(156, 1) || "0" };
}

const isEmpty = (block: Buffer): boolean => block.every((byte) => byte === 0);

const sumOf = (block: Buffer): number => block.reduce((sum, byte) => sum + byte, 0);

/** A pax record begins with its own length, the digits of the length included. */
function paxRecord(record: string): string {
  const rest = Buffer.byteLength(record) + 2;
  let length = rest + String(rest).length;
  if (String(length).length > String(rest).length) length += 1;
  return `${length} ${record}\n`;
}

function parsePax(bytes: Buffer): string {
  const match = /^\d+ path=([^\n]*)\n$/.exec(bytes.toString("utf8"));
  if (match?.[1] === undefined) throw new ArchiveError("the archive is damaged: a name cannot be read");
  return match[1];
}

const paddingOf = (size: number): number => (BLOCK - (size % BLOCK)) % BLOCK;
const padding = (size: number): Buffer => Buffer.alloc(paddingOf(size));

/** Reads a stream by numbers of bytes. */
function createByteReader(source: AsyncIterable<Buffer>) {
  const iterator = source[Symbol.asyncIterator]();
  let held: Buffer = Buffer.alloc(0);
  return { exactly, slice, isAtEnd };

  async function isAtEnd(): Promise<boolean> {
    while (held.length === 0) {
      const { done, value } = await iterator.next();
      if (done) return true;
      held = value;
    }
    return false;
  }

  /** The next bytes that are there, at least one and at most `max`. */
  async function some(max: number): Promise<Buffer> {
    if (await isAtEnd()) throw new ArchiveError("the archive breaks off");
    const taken = held.subarray(0, max);
    held = held.subarray(taken.length);
    return taken;
  }

  async function exactly(length: number): Promise<Buffer> {
    const chunks: Buffer[] = [];
    for await (const chunk of slice(length)) chunks.push(chunk);
    return Buffer.concat(chunks);
  }

  /** The next `length` bytes; iterating it again goes on where it was left. */
  function slice(length: number): AsyncIterable<Buffer> {
    let left = length;
    return { [Symbol.asyncIterator]: () => ({ next }) };

    async function next(): Promise<IteratorResult<Buffer, undefined>> {
      if (left === 0) return { done: true, value: undefined };
      const value = await some(left);
      left -= value.length;
      return { done: false, value };
    }
  }
}
