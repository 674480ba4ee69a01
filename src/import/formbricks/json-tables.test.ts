import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createJsonTableSplitter, MalformedFile, parseJson } from "./json-tables.ts";

/** Splits the text in pieces of `size` bytes and collects what comes out. */
function split(text: string | Buffer, size = 7, isWanted: (table: string) => boolean = () => true) {
  const rows: { table: string; row: unknown; offset: number }[] = [];
  const skipped: Record<string, number> = {};
  const tables: string[] = [];
  const splitter = createJsonTableSplitter({
    table(name) {
      tables.push(name);
      return isWanted(name);
    },
    row: (table, bytes, offset) => rows.push({ table, row: parseJson(bytes, offset, "a row"), offset }),
    skipped: (table) => {
      skipped[table] = (skipped[table] ?? 0) + 1;
    },
  });
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += size) splitter.write(bytes.subarray(at, at + size));
  splitter.end();
  return { tables, rows, skipped };
}

describe("createJsonTableSplitter", () => {
  it("finds every row of any file, wherever the pieces are cut", () => {
    const dump = fc.dictionary(fc.string(), fc.array(fc.jsonValue({ maxDepth: 3 }), { maxLength: 4 }), { maxKeys: 4 });
    fc.assert(
      fc.property(dump, fc.integer({ min: 1, max: 40 }), fc.constantFrom(undefined, 2), (tables, size, indent) => {
        const { rows } = split(JSON.stringify(tables, null, indent), size);
        const expected = Object.entries(JSON.parse(JSON.stringify(tables)) as Record<string, unknown[]>);
        expect(rows.map(({ table, row }) => [table, row])).toEqual(
          expected.flatMap(([table, values]) => values.map((value) => [table, value])),
        );
      }),
    );
  });

  it("reports where a row began and skips a byte order mark", () => {
    expect(split('\ufeff{"A":[{"x":1}]}').rows).toEqual([{ table: "A", row: { x: 1 }, offset: 9 }]);
  });

  it("only counts the rows of tables that are not wanted", () => {
    const { rows, skipped } = split('{"A":[{"x":"]}"},{}],"B":[{}],"C":[]}', 3, (table) => table === "B");
    expect({ rows: rows.length, skipped }).toEqual({ rows: 1, skipped: { A: 2 } });
  });

  it.each([
    ["", "the file ends too early", 0],
    ["[]", 'expected "{"', 0],
    ['{"A":[{}]', "the file ends too early, in table A", 9],
    ['{"A":[{"x":', "a value is cut off", 11],
    ['{"A":{}}', 'expected "["', 5],
    ['{"A" []}', 'expected ":"', 5],
    ['{"A":[{}{}]}', 'expected "," or "]"', 8],
    ['{"A":[{},]}', "expected a row", 9],
    ['{"A":[],}', "expected a table's name", 8],
    ['{"A":[{"x":tru}]}', "not valid JSON", 6],
    ['{"A":[{"x":[}]}]}', "not valid JSON", 6],
    ['{"A":[]} x', "expected nothing", 9],
  ])("refuses %j with its position", (text, message, offset) => {
    const attempt = () => split(text);
    expect(attempt).toThrow(MalformedFile);
    expect(attempt).toThrow(expect.objectContaining({ message: expect.stringContaining(message), offset }));
  });

  it("refuses bytes that are not UTF-8", () => {
    const bytes = Buffer.concat([Buffer.from('{"A":[{"x":"'), Buffer.from([0xff]), Buffer.from('"}]}')]);
    expect(() => split(bytes)).toThrow(MalformedFile);
  });
});
