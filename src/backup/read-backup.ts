/** Reads a backup from its beginning to its end, once, and compares it with what its manifest says. */
import { createHash } from "node:crypto";
import { promisify } from "node:util";
import { gunzip } from "node:zlib";
import { watched } from "./copy-text.ts";
import {
  type BackupHeader,
  type BackupManifest,
  HEADER_NAME,
  MANIFEST_NAME,
  MANIFEST_SUM_NAME,
  parseHeader,
  parseManifest,
  sha256,
  sumOfManifest,
} from "./manifest.ts";
import { ArchiveError, readTar, type TarEntry } from "./tar.ts";

const inflate = promisify(gunzip);

/** COPY text in one entry, uncompressed. */
export const PART_BYTES = 4 * 1024 * 1024;
/** An entry that is read into memory as a whole. */
const HELD_MAX = 2 * PART_BYTES;
const DESCRIPTION_MAX = 64 * 1024 * 1024;

export const FILES_PREFIX = "files/";
export const partName = (table: string, part: number): string => `tables/${table}/${String(part).padStart(6, "0")}.copy.gz`;

/** Who takes what is in a backup. Each must read its chunks to the end. */
export interface BackupReceiver {
  begin(header: BackupHeader): Promise<void>;
  /** Returns how many rows there were. */
  takeTable(table: BackupHeader["tables"][number], chunks: AsyncIterable<Buffer>): Promise<number>;
  takeFile(key: string, chunks: AsyncIterable<Buffer>): Promise<void>;
}

export interface ReadBackup {
  header: BackupHeader;
  manifest: BackupManifest;
}

/** Throws {@link ArchiveError} when anything is not as it was written; the receiver must not keep what it took then. */
export async function readBackup(source: AsyncIterable<Buffer>, receiver: BackupReceiver): Promise<ReadBackup> {
  const entries = readTar(source);
  const next = async (): Promise<TarEntry | null> => {
    const { done, value } = await entries.next();
    return done ? null : value;
  };
  const headerText = await textOf(expectEntry(await next(), HEADER_NAME));
  const header = parseHeader(headerText);
  await receiver.begin(header);

  let entry = await next();
  const tables: Pick<BackupManifest["tables"][number], "name" | "rows" | "bytes" | "sha256">[] = [];
  for (const table of header.tables) {
    const digest = createHash("sha256");
    let bytes = 0;
    const rows = await receiver.takeTable(table, parts());
    tables.push({ name: table.name, rows, bytes, sha256: digest.digest("hex") });

    async function* parts(): AsyncGenerator<Buffer> {
      for (let part = 1; entry?.name === partName(table.name, part); part++) {
        const chunk = await inflatePart(entry);
        digest.update(chunk);
        bytes += chunk.length;
        yield chunk;
        entry = await next();
      }
    }
  }

  const digest = createHash("sha256");
  const files = { count: 0, bytes: 0 };
  for (; entry?.name.startsWith(FILES_PREFIX); entry = await next()) {
    const key = entry.name.slice(FILES_PREFIX.length);
    digest.update(`${key}\n${entry.size}\n`);
    await receiver.takeFile(
      key,
      watched(entry.body, (chunk) => digest.update(chunk)),
    );
    files.count += 1;
    files.bytes += entry.size;
  }

  const manifestText = await textOf(expectEntry(entry, MANIFEST_NAME));
  if ((await textOf(expectEntry(await next(), MANIFEST_SUM_NAME))) !== sumOfManifest(manifestText))
    throw new ArchiveError(`the archive is damaged: ${MANIFEST_NAME} was changed`);
  const manifest = parseManifest(manifestText);
  if ((await next()) !== null) throw new ArchiveError(`the archive is damaged: something follows ${MANIFEST_SUM_NAME}`);
  compare(manifest, { tables, files: { ...files, sha256: digest.digest("hex") }, headerSha256: sha256(headerText) });
  return { header, manifest };
}

function compare(manifest: BackupManifest, found: Omit<BackupManifest, "sequences">): void {
  if (manifest.headerSha256 !== found.headerSha256) throw new ArchiveError(`the archive is damaged: ${HEADER_NAME} was changed`);
  if (manifest.tables.length !== found.tables.length)
    throw new ArchiveError("the archive is damaged: its tables are not those announced");
  for (const [i, table] of found.tables.entries()) {
    const said = manifest.tables[i];
    if (said?.name !== table.name || said.sha256 !== table.sha256 || said.bytes !== table.bytes || said.rows !== table.rows)
      throw new ArchiveError(`the archive is damaged: the table ${table.name} is not as it was written`);
  }
  const { count, bytes, sha256: hash } = found.files;
  if (manifest.files.count !== count || manifest.files.bytes !== bytes || manifest.files.sha256 !== hash)
    throw new ArchiveError("the archive is damaged: the uploaded files are not as they were written");
}

function expectEntry(entry: TarEntry | null, name: string): TarEntry {
  if (entry?.name === name) return entry;
  if (name === HEADER_NAME) throw new ArchiveError("this is no backup of Mortar");
  throw new ArchiveError(entry ? `the archive is damaged: ${entry.name} is out of place` : "the archive breaks off");
}

async function inflatePart(entry: TarEntry): Promise<Buffer> {
  const compressed = await hold(entry, HELD_MAX);
  try {
    return await inflate(compressed, { maxOutputLength: PART_BYTES });
  } catch {
    throw new ArchiveError(`the archive is damaged: ${entry.name} cannot be read`);
  }
}

const textOf = async (entry: TarEntry): Promise<string> => (await hold(entry, DESCRIPTION_MAX)).toString("utf8");

async function hold({ name, size, body }: TarEntry, max: number): Promise<Buffer> {
  if (size > max) throw new ArchiveError(`the archive is damaged: ${name} is too large`);
  const chunks: Buffer[] = [];
  for await (const chunk of body) chunks.push(chunk);
  return Buffer.concat(chunks);
}
