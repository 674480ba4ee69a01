import { brotliDecompressSync, gunzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { prepareBody } from "./prepared-body.ts";

const decode = { br: brotliDecompressSync, gzip: gunzipSync };

const START = `{"list":${JSON.stringify(Array.from({ length: 5_000 }, (_, n) => ({ n, text: `Größe ${n}` })))},"time":`;

describe.each(["br", "gzip"] as const)("%s", (encoding) => {
  test.each([
    ["a long start", START],
    ["a start of one byte", "x"],
    ["an empty start", ""],
  ])("decodes to the start with the end, after %s", async (_name, start) => {
    const body = prepareBody(start);
    for (const end of ['"2026-01-01T00:00:00.000Z"}', "é", "y".repeat(0xff_ff)])
      expect(decode[encoding](await body.finish(end, encoding)).toString()).toBe(start + end);
  });

  test("is smaller", async () => {
    const plain = await prepareBody(START).finish("1}", null);
    expect((await prepareBody(START).finish("1}", encoding)).length).toBeLessThan(plain.length / 5);
  });
});

test("without a coding the body is the start with the end", async () => {
  expect((await prepareBody("ä").finish("ö", null)).toString()).toBe("äö");
});

test("refuses an end that fits into no block", () => {
  expect(() => prepareBody("x").finish("", "gzip")).toThrow(RangeError);
  expect(() => prepareBody("x").finish("y".repeat(0x1_00_00), "gzip")).toThrow(RangeError);
});

test("the hash is the start's", () => {
  expect(prepareBody("a").hash).toBe(prepareBody("a").hash);
  expect(prepareBody("a").hash).not.toBe(prepareBody("b").hash);
  expect(prepareBody("a").hash).toMatch(/^[\w-]{27}$/);
});

test("a body is compressible from 1 KiB on", () => {
  expect(prepareBody("x".repeat(1_023)).isCompressible).toBe(false);
  expect(prepareBody("x".repeat(1_024)).isCompressible).toBe(true);
});
