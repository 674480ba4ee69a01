/**
 * A body that is the same for everyone but for its last few bytes. It is compressed once; the end is appended to the
 * compressed form as it is, which both formats allow: a stored block (gzip) and an uncompressed meta-block (Brotli).
 */
import { createHash } from "node:crypto";
import { promisify } from "node:util";
import { brotliCompress, constants, crc32, deflateRaw } from "node:zlib";
import type { Encoding } from "./accept-encoding.ts";

const deflateAsync = promisify(deflateRaw);
const brotliAsync = promisify(brotliCompress);

/** Smaller bodies are not worth the reader's trouble. */
const MIN_COMPRESSED_BYTES = 1_024;

/** Of Brotli's 11: above it, time grows much faster than the body shrinks. */
const BROTLI_QUALITY = 6;

const GZIP_HEADER = Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff]);

/** The longest end that fits into one block of either format. */
const MAX_END_BYTES = 0xff_ff;

export interface PreparedBody {
  /** Of the part that stays: 27 characters of base64url. */
  hash: string;
  /** Whether it is large enough to be compressed. */
  isCompressible: boolean;
  /**
   * The body with this end, in the coding; null is none. To be waited for only when it is the first in its coding.
   * @param end at most 65 535 bytes of UTF-8, not empty; else a RangeError is thrown where there is a coding
   */
  finish(end: string, encoding: Encoding | null): Buffer | string | Promise<Buffer>;
}

export function prepareBody(text: string): PreparedBody {
  const start = Buffer.from(text);
  const startCrc = crc32(start);
  const isAscii = start.length === text.length;
  const compressed = new Map<Encoding, Buffer>();
  const compressions = new Map<Encoding, Promise<Buffer>>();
  return {
    hash: createHash("sha256").update(start).digest("base64url").slice(0, 27),
    isCompressible: start.length >= MIN_COMPRESSED_BYTES,
    finish,
  };

  function finish(ending: string, encoding: Encoding | null): Buffer | string | Promise<Buffer> {
    if (encoding === null && isAscii) return text + ending; // Node sends it together with the head, and copies it once
    const end = Buffer.from(ending);
    if (end.length === 0 || end.length > MAX_END_BYTES) throw new RangeError(`an end of ${end.length} bytes fits into no block`);
    if (encoding === null) return Buffer.concat([start, end]);
    const known = compressed.get(encoding);
    return known ? append(known, end, encoding) : compress(encoding).then((bytes) => append(bytes, end, encoding));
  }

  /** Once, however many ask while it is done. */
  function compress(encoding: Encoding): Promise<Buffer> {
    const underWay = compressions.get(encoding);
    if (underWay) return underWay;
    const compression = compressStart[encoding](start).then((bytes) => {
      compressed.set(encoding, bytes);
      return bytes;
    });
    compressions.set(encoding, compression);
    return compression;
  }

  function append(bytes: Buffer, end: Buffer, encoding: Encoding): Buffer {
    return encoding === "gzip" ? finishGzip(bytes, end) : finishBrotli(bytes, end);
  }

  /** RFC 1951 §3.2.4: a last, stored block; RFC 1952 §2.3.1: the checksum and length of all that went in. */
  function finishGzip(compressed: Buffer, end: Buffer): Buffer {
    const block = Buffer.alloc(5);
    block.writeUInt8(1, 0);
    block.writeUInt16LE(end.length, 1);
    block.writeUInt16LE(~end.length & 0xff_ff, 3);
    const trailer = Buffer.alloc(8);
    trailer.writeUInt32LE(crc32(end, startCrc), 0);
    trailer.writeUInt32LE((start.length + end.length) % 2 ** 32, 4);
    return Buffer.concat([GZIP_HEADER, compressed, block, end, trailer]);
  }
}

/** Up to the last byte that is known, so that more can follow. */
const compressStart: Record<Encoding, (start: Buffer) => Promise<Buffer>> = {
  gzip: (start) => deflateAsync(start, { level: 9, finishFlush: constants.Z_SYNC_FLUSH }),
  br: (start) =>
    brotliAsync(start, {
      finishFlush: constants.BROTLI_OPERATION_FLUSH,
      params: { [constants.BROTLI_PARAM_QUALITY]: BROTLI_QUALITY, [constants.BROTLI_PARAM_SIZE_HINT]: start.length },
    }),
};

/** RFC 7932 §9.2: an uncompressed meta-block whose length takes four nibbles, then a last, empty one. */
function finishBrotli(compressed: Buffer, end: Buffer): Buffer {
  const header = Buffer.alloc(3);
  header.writeUIntLE(((end.length - 1) << 3) | (1 << 19), 0, 3);
  return Buffer.concat([compressed, header, end, Buffer.from([3])]);
}
