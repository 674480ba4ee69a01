/** Uploaded files in a folder of this machine, each under its key. */
import { constants } from "node:fs";
import { type FileHandle, link, lstat, mkdir, open, readdir, realpath, rm, stat as statPath, unlink } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { Problem } from "../shared/problem.ts";
import { limitBytes } from "./byte-limit.ts";
import type { ByteRange, FileFacts, FileKeeper } from "./store.ts";

export interface DiskStore extends FileKeeper {
  kind: "disk";
  /**
   * Keeps the bytes under the key, all of them or nothing. Throws `too_large`, `malformed` when the bytes break off,
   * and `conflict` when there is a file already: files are served as immutable.
   */
  write(key: string, bytes: Readable, maxBytes: number): Promise<void>;
}

/** Below the folder: files that are being written. No key begins with a dot. */
const DRAFTS = ".incoming";
/** Drafts this old were left behind by a process that was killed. */
const DRAFT_LIFETIME_MS = 3_600_000;

const MISSING = new Set(["ENOENT", "ENOTDIR", "ELOOP", "ENAMETOOLONG", "EISDIR"]);

/** @param folder made at the first write; symbolic links in it are not followed, though it may be one itself */
export function createDiskStore({
  folder,
  newUuid,
  now,
}: {
  folder: string;
  newUuid: () => string;
  now: () => number;
}): DiskStore {
  const drafts = join(folder, DRAFTS);
  let preparing: Promise<void> | undefined;
  return { kind: "disk", write, stat, read, remove };

  async function write(key: string, bytes: Readable, maxBytes: number): Promise<void> {
    preparing ??= prepare();
    await preparing.catch((error: unknown) => {
      preparing = undefined;
      throw error;
    });
    const target = join(folder, ...key.split("/"));
    const draft = join(drafts, newUuid());
    try {
      const file = await open(draft, "wx", 0o600);
      await pipeline(bytes, limitBytes(maxBytes), file.createWriteStream({ flush: true }));
      await makeFolders(key.split("/").slice(0, -1));
      await link(draft, target); // unlike a rename it does not replace a file
    } catch (error) {
      throw toProblem(error, bytes);
    } finally {
      await rm(draft, { force: true });
    }
  }

  async function prepare(): Promise<void> {
    await mkdir(drafts, { recursive: true, mode: 0o700 });
    for (const name of await readdir(drafts)) {
      const facts = await statPath(join(drafts, name)).catch(() => null);
      if (facts && facts.mtimeMs < now() - DRAFT_LIFETIME_MS) await rm(join(drafts, name), { force: true });
    }
  }

  async function makeFolders(names: readonly string[]): Promise<void> {
    let path = folder;
    for (const name of names) {
      path = join(path, name);
      await mkdir(path, { mode: 0o700 }).catch((error: unknown) => {
        if (codeOf(error) !== "EEXIST") throw error;
      });
      if (!(await lstat(path)).isDirectory()) throw new Error(`${path} is not a folder`);
    }
  }

  async function stat(key: string): Promise<FileFacts | null> {
    try {
      const file = await openFile(key);
      try {
        const facts = await file.stat();
        return facts.isFile() ? { size: facts.size, lastModified: facts.mtime } : null;
      } finally {
        await file.close();
      }
    } catch (error) {
      if (MISSING.has(codeOf(error))) return null;
      throw error;
    }
  }

  async function read(key: string, range: ByteRange | null): Promise<Readable> {
    const file = await openFile(key);
    return file.createReadStream(range ?? {});
  }

  async function remove(key: string): Promise<void> {
    const path = join(folder, ...key.split("/"));
    try {
      if (await isWithinFolder(dirname(path))) await unlink(path);
    } catch (error) {
      if (!MISSING.has(codeOf(error))) throw error;
    }
  }

  async function openFile(key: string): Promise<FileHandle> {
    const path = join(folder, ...key.split("/"));
    if (!(await isWithinFolder(dirname(path)))) throw Object.assign(new Error("not a folder of uploads"), { code: "ENOENT" });
    return open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK); // a pipe must not keep us waiting
  }

  /** Whether the path is reached without a symbolic link below the folder. */
  async function isWithinFolder(path: string): Promise<boolean> {
    return (await realpath(path)) === join(await realpath(folder), relative(folder, path));
  }
}

function toProblem(error: unknown, bytes: Readable): unknown {
  if (error instanceof Problem) return error;
  if (codeOf(error) === "EEXIST") return new Problem("conflict", "The file was uploaded already");
  // What the client sent broke off or is no form; the rest is ours.
  if (bytes.errored !== null) return new Problem("malformed", "The file was not sent completely", { cause: error });
  return error;
}

const codeOf = (error: unknown): string =>
  error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : "";
