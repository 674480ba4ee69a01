/** Files that commands write as a stream and read again. */
import { once } from "node:events";
import { createReadStream, existsSync } from "node:fs";
import { link, open, rm } from "node:fs/promises";
import { CommandFailure } from "./run.ts";

export interface ArchiveFile {
  write(bytes: Buffer): Promise<void>;
  /** Keeps what was written: only then is there a file of that name. */
  keep(): Promise<void>;
  /** Removes what was written and not kept. */
  discard(): Promise<void>;
}

/** Opens a new file for the eyes of its owner only; `-` is stdout. A file that is there already is not replaced. */
export async function createArchiveFile(path: string): Promise<ArchiveFile> {
  if (path === "-") return { write: writeToStdout, keep: async () => undefined, discard: async () => undefined };
  if (existsSync(path)) throw new CommandFailure(`cannot write ${path}: it exists already`);
  const draft = `${path}.unfinished-${process.pid}`;
  const file = await open(draft, "wx", 0o600).catch((error: Error) => {
    throw new CommandFailure(`cannot write ${path}: ${error.message}`);
  });
  return { write, keep, discard };

  async function write(bytes: Buffer): Promise<void> {
    for (let at = 0; at < bytes.length; ) {
      const { bytesWritten } = await file.write(bytes, at);
      at += bytesWritten;
    }
  }

  async function keep(): Promise<void> {
    await file.sync();
    await link(draft, path).catch((error: Error) => {
      throw new CommandFailure(`cannot write ${path}: ${error.message}`);
    });
  }

  async function discard(): Promise<void> {
    await file.close().catch(() => undefined);
    await rm(draft, { force: true });
  }
}

/** The bytes of a file; `-` is stdin. Throws {@link CommandFailure} when it cannot be read. */
export async function* readArchiveFile(path: string): AsyncGenerator<Buffer> {
  const stream = path === "-" ? process.stdin : createReadStream(path, { highWaterMark: 256 * 1024 });
  try {
    for await (const chunk of stream) yield chunk;
  } catch (error) {
    throw new CommandFailure(`cannot read ${path}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

async function writeToStdout(bytes: Buffer): Promise<void> {
  if (!process.stdout.write(bytes)) await once(process.stdout, "drain");
}
