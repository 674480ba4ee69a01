/** Writes a backup: one snapshot of the database, table by table, and then the uploaded files. */
import { createHash } from "node:crypto";
import { promisify } from "node:util";
import { constants, gzip } from "node:zlib";
import { type CatalogueTable, readSequences, readTables } from "../db/catalogue.ts";
import { appliedMigrations } from "../db/migrate.ts";
import { openSession, quoteName, type Session } from "../db/session.ts";
import { countLines, inParts, watched } from "./copy-text.ts";
import {
  type BackupManifest,
  HEADER_NAME,
  MANIFEST_NAME,
  MANIFEST_SUM_NAME,
  makeHeader,
  markOfKey,
  sha256,
  sumOfManifest,
} from "./manifest.ts";
import { FILES_PREFIX, PART_BYTES, partName } from "./read-backup.ts";
import { ArchiveError, createTarWriter, type TarWriter } from "./tar.ts";
import { listUploadedFiles } from "./uploaded-files.ts";

const compress = promisify(gzip);

export interface BackupOptions {
  /** Past a transaction pooler. */
  url: string;
  /** Takes the archive's bytes in their order and resolves when more may follow. */
  write(bytes: Buffer): Promise<void>;
  /** Where uploaded files are; else why there are none in the backup. */
  uploads: { folder: string } | "excluded" | "elsewhere";
  encryptionKey: string;
  mortarVersion: string;
  now(): Date;
  onProgress?(what: string): void;
}

/** Makes values look the same whatever the server is set to, and lets nothing end a long read. */
export const SESSION_SETTINGS = `
  set timezone = 'UTC'; set datestyle = 'ISO, YMD'; set intervalstyle = 'postgres'; set extra_float_digits = 1;
  set bytea_output = 'hex'; set statement_timeout = 0; set idle_in_transaction_session_timeout = 0;`;

/**
 * Backs up while the server runs and writes: what is in the backup is the database of one moment, and every file that its
 * rows name, unless it was deleted meanwhile. Memory does not grow with the amount of data. Throws {@link ArchiveError}
 * when the tables change while it begins.
 */
export async function writeBackup({
  url,
  write,
  uploads,
  onProgress = () => undefined,
  ...facts
}: BackupOptions): Promise<BackupManifest> {
  const session = await openSession({ url, name: "backup" });
  const tar = createTarWriter(write);
  try {
    await session.execute(SESSION_SETTINGS);
    const known = await readTables(session);
    const ofTables = await session.transaction(async () => {
      const tables = await lockTables(session, known);
      const header = makeHeader({
        mortarVersion: facts.mortarVersion,
        createdAt: facts.now().toISOString(),
        migrations: await appliedMigrations(session),
        tables: tables.map(({ name, columns }) => ({ name, columns })),
        files: typeof uploads === "string" ? uploads : "included",
        encryptionKeyMark: markOfKey(facts.encryptionKey),
      });
      const headerText = toText(header);
      await addText(tar, HEADER_NAME, headerText);
      const summaries: BackupManifest["tables"] = [];
      for (const table of tables) {
        onProgress(`table ${table.name}`);
        summaries.push(await addTable(session, tar, table));
      }
      return { tables: summaries, headerSha256: sha256(headerText) };
    }, "snapshot");
    // After the rows, so that a file which a row names is there. Numbers may be given out meanwhile: more than needed.
    onProgress("uploaded files");
    const files = await addFiles(tar, typeof uploads === "string" ? null : uploads.folder);
    const manifest: BackupManifest = { ...ofTables, sequences: await sequencesOf(session), files };
    const manifestText = toText(manifest);
    await addText(tar, MANIFEST_NAME, manifestText);
    await addText(tar, MANIFEST_SUM_NAME, sumOfManifest(manifestText));
    await tar.end();
    return manifest;
  } finally {
    await session.close();
  }
}

/** Locks them against migrations, not against writers, before the snapshot is taken. */
async function lockTables(session: Session, known: readonly CatalogueTable[]): Promise<CatalogueTable[]> {
  if (known.length === 0) throw new ArchiveError("the database is empty: there is nothing to back up");
  await session.execute(`lock table ${known.map(({ name }) => quoteName(name)).join(", ")} in access share mode`);
  const tables = await readTables(session);
  if (JSON.stringify(tables) !== JSON.stringify(known))
    throw new ArchiveError("the database is being migrated: begin again when that is done");
  return tables.filter(({ isLogged }) => isLogged);
}

async function addTable(session: Session, tar: TarWriter, table: CatalogueTable): Promise<BackupManifest["tables"][number]> {
  const digest = createHash("sha256");
  const sums = { rows: 0, bytes: 0 };
  let part = 0;
  const columns = table.columns.map(quoteName).join(", ");
  for await (const chunk of inParts(session.copyOut(`copy ${quoteName(table.name)} (${columns}) to stdout`), PART_BYTES)) {
    part += 1;
    digest.update(chunk);
    sums.rows += countLines(chunk);
    sums.bytes += chunk.length;
    const packed = await compress(chunk, { level: constants.Z_BEST_SPEED });
    await tar.add(partName(table.name, part), packed.length, [packed]);
  }
  return { name: table.name, ...sums, sha256: digest.digest("hex") };
}

async function addFiles(tar: TarWriter, folder: string | null): Promise<BackupManifest["files"]> {
  const digest = createHash("sha256");
  const sums = { count: 0, bytes: 0 };
  if (folder !== null)
    for await (const { key, size, content } of listUploadedFiles(folder)) {
      digest.update(`${key}\n${size}\n`);
      await tar.add(
        `${FILES_PREFIX}${key}`,
        size,
        watched(content, (chunk) => digest.update(chunk)),
      );
      sums.count += 1;
      sums.bytes += size;
    }
  return { ...sums, sha256: digest.digest("hex") };
}

async function sequencesOf(session: Session): Promise<BackupManifest["sequences"]> {
  const sequences = await readSequences(session);
  const rows = await session.query<{ name: string; last: string | null }>(
    "select sequencename::text as name, last_value::text as last from pg_sequences where schemaname = 'public'",
  );
  return sequences.map(({ name }) => {
    const last = rows.find((row) => row.name === name)?.last ?? null;
    return { name, last: last === null ? null : Number(last) };
  });
}

async function addText(tar: TarWriter, name: string, text: string): Promise<void> {
  const bytes = Buffer.from(text);
  await tar.add(name, bytes.length, [bytes]);
}

const toText = (value: object): string => `${JSON.stringify(value, null, 2)}\n`;
