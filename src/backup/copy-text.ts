/** PostgreSQL's COPY text format, in which a line feed ends a row and nothing else: those in values are escaped. */

const LINE_FEED = 0x0a;

export function countLines(chunk: Buffer): number {
  let lines = 0;
  for (let at = chunk.indexOf(LINE_FEED); at !== -1; at = chunk.indexOf(LINE_FEED, at + 1)) lines += 1;
  return lines;
}

/** The same bytes in chunks of `size`; the last one may be shorter. */
export async function* inParts(chunks: AsyncIterable<Buffer>, size: number): AsyncGenerator<Buffer> {
  let held: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of chunks) {
    held.push(chunk);
    bytes += chunk.length;
    if (bytes < size) continue;
    let whole = Buffer.concat(held);
    for (; whole.length >= size; whole = whole.subarray(size)) yield whole.subarray(0, size);
    held = [whole];
    bytes = whole.length;
  }
  if (bytes > 0) yield Buffer.concat(held);
}

/** The same chunks, each seen before it is passed on. */
export async function* watched(chunks: AsyncIterable<Buffer>, see: (chunk: Buffer) => void): AsyncGenerator<Buffer> {
  for await (const chunk of chunks) {
    see(chunk);
    yield chunk;
  }
}
