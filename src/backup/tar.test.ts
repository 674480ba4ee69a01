import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { ArchiveError, createTarWriter, readTar } from "./tar.ts";

const FILES: [string, string][] = [
  ["empty", ""],
  ["short.txt", "hello"],
  [`folder/${"n".repeat(93)}`, "a name of exactly 100 bytes"],
  [`folder/${"n".repeat(200)}/ß €.txt`, "x".repeat(512)],
  ["long", "y".repeat(1_500)],
];

async function pack(files = FILES): Promise<Buffer> {
  const chunks: Buffer[] = [];
  const tar = createTarWriter(async (bytes) => void chunks.push(Buffer.from(bytes)));
  for (const [name, content] of files) await tar.add(name, Buffer.byteLength(content), [Buffer.from(content)]);
  await tar.end();
  return Buffer.concat(chunks);
}

async function* inPieces(bytes: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function unpack(source: AsyncIterable<Buffer>): Promise<[string, string][]> {
  const files: [string, string][] = [];
  for await (const { name, body } of readTar(source)) {
    const chunks: Buffer[] = [];
    for await (const chunk of body) chunks.push(chunk);
    files.push([name, Buffer.concat(chunks).toString()]);
  }
  return files;
}

describe("tar archives", () => {
  it.each([1, 7, 512, 100_000])("come back as they were written, read %d bytes at a time", async (size) => {
    expect(await unpack(inPieces(await pack(), size))).toEqual(FILES);
  });

  it("are what tar understands", async () => {
    const folder = mkdtempSync(join(tmpdir(), "mortar-tar-"));
    try {
      writeFileSync(join(folder, "a.tar"), await pack());
      execFileSync("tar", ["xf", "a.tar"], { cwd: folder });
      for (const [name, content] of FILES) expect(execFileSync("cat", [name], { cwd: folder }).toString()).toBe(content);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it("skip what was not read of an entry", async () => {
    const names: string[] = [];
    for await (const { name } of readTar(inPieces(await pack(), 100))) names.push(name);
    expect(names).toEqual(FILES.map(([name]) => name));
  });

  it("are refused when they break off anywhere", async () => {
    const archive = await pack();
    for (const length of [0, 100, 512, 700, archive.length - 1_024, archive.length - 512])
      await expect(unpack(inPieces(archive.subarray(0, length), 64))).rejects.toThrow(new ArchiveError("the archive breaks off"));
  });

  it("are refused when something follows their end", async () => {
    const archive = await pack();
    await expect(unpack(inPieces(Buffer.concat([archive, Buffer.from("x")]), 512))).rejects.toThrow("damaged at its end");
    archive.write("x", archive.length - 100);
    await expect(unpack(inPieces(archive, 512))).rejects.toThrow("damaged at its end");
  });

  it("are refused when a header was changed", async () => {
    const archive = await pack();
    archive.write("X", 0);
    await expect(unpack(inPieces(archive, 512))).rejects.toThrow("the archive is damaged, or is no backup");
  });

  it.each([4, 6])("do not take a file of another size than announced: %d", async (size) => {
    const tar = createTarWriter(async () => undefined);
    await expect(tar.add("file", size, [Buffer.from("hello")])).rejects.toThrow("file changed while it was read");
  });
});
