import { Transform } from "node:stream";
import { Problem } from "../shared/problem.ts";

/**
 * How much of a file that is too large is still taken, as a multiple of what is allowed: most clients look for an
 * answer only after they have sent everything.
 */
const DRAINED_MULTIPLE = 4;

/** Passes at most `maxBytes` on. More fails with `too_large`, at the end or when far too much has come. */
export function limitBytes(maxBytes: number): Transform {
  let seen = 0;
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      seen += chunk.length;
      if (seen > maxBytes * DRAINED_MULTIPLE) done(fileTooLarge(maxBytes));
      else if (seen > maxBytes) done();
      else done(null, chunk);
    },
    flush(done) {
      done(seen > maxBytes ? fileTooLarge(maxBytes) : null);
    },
  });
}

/** SDKs look for the word `EntityTooLarge`, as S3 says it, in the body. Source: client-api §15.1. */
export const fileTooLarge = (maxBytes: number) =>
  new Problem("too_large", `EntityTooLarge: a file must not exceed ${maxBytes} bytes`);
