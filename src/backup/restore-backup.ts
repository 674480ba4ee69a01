/** Restores a backup: all of it or nothing. */
import { type CatalogueTable, dropStatements, MIGRATION_BOOKS, readSequences, readTables } from "../db/catalogue.ts";
import { listMigrations, migrateWithin, tryMigrationLock } from "../db/migrate.ts";
import { openSession, quoteName, quoteText, type Session } from "../db/session.ts";
import { type BackupHeader, type BackupManifest, markOfKey } from "./manifest.ts";
import { type ReadBackup, readBackup } from "./read-backup.ts";
import { ArchiveError } from "./tar.ts";
import { createFileStaging, hasUploadedFiles } from "./uploaded-files.ts";
import { SESSION_SETTINGS } from "./write-backup.ts";

/** Why a backup is not restored here, and what to do about it. */
export class RestoreRefused extends Error {
  override readonly name = "RestoreRefused";
}

export interface RestoreOptions {
  /** Past a transaction pooler. */
  url: string;
  source: AsyncIterable<Buffer>;
  /** Deletes what is there before. */
  replace: boolean;
  /** Where uploaded files go; null: they are left out. `elsewhere`: this installation has no folder for them. */
  uploads: { folder: string } | null | "elsewhere";
  /** This installation's; null: whether the backup's secrets can be opened does not matter. */
  encryptionKey: string | null;
  onProgress?(what: string): void;
}

export interface RestoreReport extends ReadBackup {
  /** Migrations of this release that the backup lacked. */
  migrated: string[];
  /** Where the files are that were there before. */
  replacedFiles: string | null;
}

/**
 * Makes the tables as they were, fills them, and migrates them to this release, in one transaction: until the whole backup
 * was found as it was written, nothing is changed. Triggers do not fire. Needs the rights of the tables' owner and no
 * more. Throws {@link RestoreRefused} and {@link ArchiveError}.
 */
export async function restoreBackup(options: RestoreOptions): Promise<RestoreReport> {
  const { url, source, onProgress = () => undefined } = options;
  const session = await openSession({ url, name: "restore" });
  const staging =
    typeof options.uploads === "object" && options.uploads !== null ? createFileStaging(options.uploads.folder) : null;
  let isSwapped = false;
  try {
    await session.execute(SESSION_SETTINGS);
    if (!(await tryMigrationLock(session))) throw new RestoreRefused("another process is migrating or restoring this database");
    return await session.transaction(async () => {
      let tables: CatalogueTable[] = [];
      const read = await readBackup(source, {
        begin: async (header) => {
          await refuseUnsuitable(session, header, options);
          tables = await makeTables(session, header);
        },
        takeTable: async (table, chunks) => {
          onProgress(`table ${table.name}`);
          return await loadTable(session, table, chunks);
        },
        takeFile: async (key, chunks) => {
          onProgress("uploaded files");
          if (staging) await staging.take(key, chunks);
        },
      });
      onProgress("foreign keys and migrations");
      await finishTables(session, tables, read.manifest);
      const migrated = await migrateOn(session, read.header);
      const replacesFiles = staging !== null && read.header.files === "included";
      const replacedFiles = replacesFiles ? await staging.swap() : null;
      isSwapped = replacesFiles;
      return { ...read, migrated, replacedFiles };
    });
  } catch (error) {
    if (isSwapped) await staging?.undo();
    throw error;
  } finally {
    await staging?.discard();
    await session.close();
  }
}

async function refuseUnsuitable(session: Session, header: BackupHeader, options: RestoreOptions): Promise<void> {
  refuseUnknownMigrations(header);
  if (options.encryptionKey !== null && markOfKey(options.encryptionKey) !== header.encryptionKeyMark)
    throw new RestoreRefused(
      "the backup was made with another encryption key: put that key into ENCRYPTION_KEY or DATA_DIR/encryption.key, or restore with --other-key and do without the stored secrets",
    );
  if (options.uploads === "elsewhere" && header.files === "included")
    throw new RestoreRefused(
      "the backup has uploaded files, and this installation keeps them in an S3 bucket: restore with --no-files, or unset S3_BUCKET",
    );
  await refuseServers(session);
  await refuseContent(session, options.replace);
  if (options.replace || header.files !== "included" || typeof options.uploads !== "object" || options.uploads === null) return;
  if (await hasUploadedFiles(options.uploads.folder))
    throw new RestoreRefused(
      `there are uploaded files in ${options.uploads.folder}: restore with --replace to have others there`,
    );
}

function refuseUnknownMigrations({ migrations, mortarVersion }: BackupHeader): void {
  const known = new Map(listMigrations().map(({ name, checksum }) => [name, checksum]));
  const unknown = migrations.find(({ name, checksum }) => known.get(name) !== checksum);
  if (unknown)
    throw new RestoreRefused(
      `the backup is of Mortar ${mortarVersion} with the migration ${unknown.name}, which this release ${known.has(unknown.name) ? "has with other content" : "does not have"}: restore it with that release or a newer one`,
    );
}

async function refuseServers(session: Session): Promise<void> {
  const [servers] = await session.query<{ count: number }>(
    "select count(*)::int as count from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid() and application_name = 'mortar'",
  );
  if (servers && servers.count > 0)
    throw new RestoreRefused(`a server is connected to the database (${servers.count} connections): stop it first`);
}

async function refuseContent(session: Session, replace: boolean): Promise<void> {
  const tables = await readTables(session);
  const [books] = await session.query<{ exist: boolean }>(`select to_regclass('public.${MIGRATION_BOOKS}') is not null as exist`);
  if (tables.length > 0 && !books?.exist)
    throw new RestoreRefused("the database has tables that are not Mortar's: restore into a database of its own");
  for (const { name } of replace ? [] : tables) {
    const [found] = await session.query<{ exist: boolean }>(`select exists (select from ${quoteName(name)}) as exist`);
    if (found?.exist)
      throw new RestoreRefused(`the database is not empty (${name} has rows): restore with --replace to delete what is there`);
  }
}

/** Makes the tables as they were when the backup was made, without what would get in the way of filling them. */
async function makeTables(session: Session, header: BackupHeader): Promise<CatalogueTable[]> {
  for (const statement of await dropStatements(session)) await session.execute(statement);
  await session.execute("drop schema if exists graphile_worker cascade"); // announced tasks: a server announces them anew
  const had = new Set(header.migrations.map(({ name }) => name));
  await migrateWithin(session, (name) => had.has(name));
  const tables = await readTables(session);
  for (const { name, columns } of header.tables) {
    const table = tables.find((each) => each.name === name);
    if (!table || columns.some((column) => !table.columns.includes(column)))
      throw new ArchiveError(`the backup's table ${name} is not the one that its migrations make`);
  }
  for (const { name, foreignKeys } of tables) {
    for (const key of foreignKeys) await session.execute(`alter table ${quoteName(name)} drop constraint ${quoteName(key.name)}`);
    await session.execute(`alter table ${quoteName(name)} disable trigger user`);
  }
  return tables;
}

async function loadTable(
  session: Session,
  table: BackupHeader["tables"][number],
  chunks: AsyncIterable<Buffer>,
): Promise<number> {
  const columns = table.columns.map(quoteName).join(", ");
  try {
    return await session.copyIn(`copy ${quoteName(table.name)} (${columns}) from stdin`, chunks);
  } catch (error) {
    if (error instanceof ArchiveError) throw error;
    throw new ArchiveError(`the table ${table.name} cannot be loaded: ${error instanceof Error ? error.message : String(error)}`);
  }
}

async function finishTables(session: Session, tables: readonly CatalogueTable[], manifest: BackupManifest): Promise<void> {
  for (const { name, foreignKeys } of tables) {
    for (const key of foreignKeys)
      await session.execute(`alter table ${quoteName(name)} add constraint ${quoteName(key.name)} ${key.definition}`);
    await session.execute(`alter table ${quoteName(name)} enable trigger user`);
  }
  for (const { name, table, column } of await readSequences(session)) {
    const last = manifest.sequences.find((sequence) => sequence.name === name)?.last ?? 0;
    await session.execute(
      `select setval(${quoteText(quoteName(name))}, greatest(top, 1), top > 0)
       from (select greatest(${last}, coalesce(max(${quoteName(column)}), 0)) as top from ${quoteName(table)}) numbers`,
    );
  }
}

async function migrateOn(session: Session, header: BackupHeader): Promise<string[]> {
  const had = new Set(header.migrations.map(({ name }) => name));
  const missing = listMigrations()
    .map(({ name }) => name)
    .filter((name) => !had.has(name));
  await migrateWithin(session, (name) => missing.includes(name));
  return missing;
}
