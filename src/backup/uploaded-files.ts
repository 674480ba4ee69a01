/** The folder of uploaded files: read for a backup, and put in its place by a restore. */
import { randomBytes } from "node:crypto";
import { constants, type Dir } from "node:fs";
import { mkdir, open, opendir, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { ArchiveError } from "./tar.ts";

export interface UploadedFile {
  key: string;
  size: number;
  content: Readable;
}

/** Every file, one at a time; its content must be read before the next is asked for. One that is gone by then is left out. */
export async function* listUploadedFiles(folder: string, prefix = ""): AsyncGenerator<UploadedFile> {
  const entries = await openFolder(folder);
  if (entries === null) return;
  for await (const entry of entries) {
    if (entry.name.startsWith(".")) continue; // being written
    if (entry.isDirectory()) yield* listUploadedFiles(join(folder, entry.name), `${prefix}${entry.name}/`);
    if (!entry.isFile()) continue;
    const file = await unlessMissing(open(join(folder, entry.name), constants.O_RDONLY | constants.O_NOFOLLOW));
    if (file === null) continue;
    try {
      const { size } = await file.stat();
      yield { key: `${prefix}${entry.name}`, size, content: file.createReadStream({ autoClose: false }) };
    } finally {
      await file.close();
    }
  }
}

export async function hasUploadedFiles(folder: string): Promise<boolean> {
  for await (const { content } of listUploadedFiles(folder)) {
    content.destroy();
    return true;
  }
  return false;
}

/** Takes files beside the folder, and puts all of them in its place at once. */
export function createFileStaging(folder: string) {
  const mark = randomBytes(4).toString("hex");
  const staged = `${folder}.restoring-${mark}`;
  const replaced = `${folder}.replaced-${mark}`;
  let hadFolder = false;
  return { take, swap, undo, discard };

  async function take(key: string, chunks: AsyncIterable<Buffer>): Promise<void> {
    const names = key.split("/");
    if (names.some((name) => name === "" || name.startsWith(".") || name.includes("\0")))
      throw new ArchiveError("the archive is damaged: a file has a name that no upload has");
    const path = join(staged, ...names);
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    const file = await open(path, "wx", 0o600);
    await pipeline(chunks, file.createWriteStream({ flush: true }));
  }

  /** Returns where the files are now that were there before; null: there were none. */
  async function swap(): Promise<string | null> {
    await mkdir(staged, { recursive: true, mode: 0o700 });
    hadFolder = (await unlessMissing(rename(folder, replaced).then(() => true))) ?? false;
    await rename(staged, folder);
    return hadFolder ? replaced : null;
  }

  async function undo(): Promise<void> {
    await rename(folder, staged);
    if (hadFolder) await rename(replaced, folder);
  }

  async function discard(): Promise<void> {
    await rm(staged, { recursive: true, force: true });
  }
}

const openFolder = (folder: string): Promise<Dir | null> => unlessMissing(opendir(folder));

async function unlessMissing<Value>(work: Promise<Value>): Promise<Value | null> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof Error && "code" in error && (error.code === "ENOENT" || error.code === "ELOOP")) return null;
    throw error;
  }
}
