import { expect, test } from "vitest";
import { chooseEncoding } from "./accept-encoding.ts";

test.each([
  [undefined, null],
  ["", null],
  ["gzip", "gzip"],
  ["br", "br"],
  ["gzip, deflate, br, zstd", "br"],
  ["GZIP", "gzip"],
  ["br;q=0.5, gzip;q=0.8", "gzip"],
  ["br; q=1.0, gzip ;q=1", "br"],
  ["br;q=0, gzip;q=0", null],
  ["*", "br"],
  ["*;q=0.1, br;q=0", "gzip"],
  ["identity", null],
  ["identity;q=1, gzip;q=0.5", null],
  ["deflate", null],
  ["br;q=nonsense", null],
])("%j is answered in %j", (header, encoding) => {
  expect(chooseEncoding(header)).toBe(encoding);
});
