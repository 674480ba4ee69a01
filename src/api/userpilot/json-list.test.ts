import { describe, expect, it } from "vitest";
import { readJsonList } from "./json-list.ts";

/** Reads the text in chunks of `size` bytes. */
async function read(text: string | Buffer, size = 3): Promise<unknown[]> {
  const bytes = Buffer.from(text);
  async function* chunks() {
    for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
  }
  const values: unknown[] = [];
  for await (const { value } of readJsonList(chunks(), "users")) values.push(value);
  return values;
}

const slugOf = (text: string | Buffer) =>
  read(text).then(
    () => "read",
    (error) => error.issues?.[0].field,
  );

describe("readJsonList", () => {
  it.each([
    ['{"users":[]}', []],
    ['{"users":[{"a":"]}\\"[,"},2,"x,y",[1,[2]],null]}', [{ a: ']}"[,' }, 2, "x,y", [1, [2]], null]],
    ['{"note":"users","x":{"users":[9]},"list":[[1]],"users" : [ {"user_id":"é🎉"} ] , "after":[1]}', [{ user_id: "é🎉" }]],
    ['\n{"\\u0075sers":[1]}\n', [1]],
  ])("reads %s item by item", async (text, expected) => {
    for (const size of [1, 2, 7, 1_000]) expect(await read(text, size)).toEqual(expected);
  });

  it.each([
    ["", "invalid_json"],
    ["nonsense", "invalid_json"],
    ["[1]", "invalid_json"],
    ['"users"', "invalid_json"],
    ['{"users":[1}', "invalid_json"],
    ['{"users":[1,,2]}', "invalid_json"],
    ['{"users":[1,]}', "invalid_json"],
    ['{"users":[{"a":1} {"a":2}]}', "invalid_json"],
    ['{"users":[{"a":1}', "invalid_json"],
    ['{"users":["a]}', "invalid_json"],
    ['{"users":[1]} x', "invalid_json"],
    ["{}", "empty_list"],
    ['{"users":null}', "empty_list"],
    ['{"users":{"a":1}}', "invalid_type"],
    ['{"users":"a"}', "invalid_type"],
  ])("refuses %j as %s", async (text, slug) => {
    expect(await slugOf(text)).toBe(slug);
  });

  it("refuses what is not UTF-8, and too much besides the list", async () => {
    expect(await slugOf(Buffer.from([0x7b, 0xff, 0x7d]))).toBe("invalid_json");
    expect(await slugOf(`{"x":"${"y".repeat(200_000)}","users":[1]}`)).toBe("invalid_json");
  });
});
