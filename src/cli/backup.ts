import { join } from "node:path";
import { Command } from "commander";
import { type RestoreReport, restoreBackup, verifyBackup, writeBackup } from "../backup/service.ts";
import type { CompleteConfig } from "../config/env.ts";
import { createArchiveFile, readArchiveFile } from "./archive-file.ts";
import { createProgress } from "./progress.ts";
import { UsageError, withDatabase } from "./run.ts";
import { formatTable } from "./table.ts";
import { readVersion } from "./version.ts";

const BACKUP_HELP = `
The server goes on running and writing meanwhile. The file is a tar archive: each table as PostgreSQL's COPY text, the
uploaded files of DATA_DIR (those in an S3 bucket are not in it), and a manifest with rows and SHA-256 of every table.

Not in it, on purpose: the encryption key (ENCRYPTION_KEY, or encryption.key in DATA_DIR). Keep it elsewhere: without it the
webhooks' secrets in the backup cannot be opened, and with it in the same place it would protect nothing. Nor are
bootstrap.json and the configuration. The file itself is not encrypted and has everything that is known of persons.

Examples:
  mortar backup --output mortar-$(date +%F).tar
  mortar backup --output - | ssh backup@host.example 'cat > mortar.tar'
  mortar backup --verify mortar-2026-11-20.tar`;

const RESTORE_HELP = `
Everything is checked against the manifest before anything is committed; when something is wrong, nothing was changed. The
database may be another than the backup's, embedded or of DATABASE_URL, and the backup may be of an older release: the
migrations that it lacks are applied. No superuser is needed. Stop the servers first; one that runs is refused.

Examples:
  mortar restore mortar-2026-11-20.tar
  DATABASE_URL=postgresql://mortar@db.example/mortar mortar restore mortar-2026-11-20.tar --replace`;

interface BackupArguments {
  output?: string;
  verify?: string;
  files: boolean;
}

export const backupCommand = (): Command =>
  new Command("backup")
    .description("Writes the whole installation into one file, as it is at one moment; or checks such a file.")
    .option("--output <file>", "where to write it, a new file; - is stdout")
    .option("--no-files", "leave the uploaded files out")
    .option("--verify <file>", "read a backup to its end and compare it with its manifest; needs no database")
    .addHelpText("after", BACKUP_HELP)
    .action(async ({ output, verify, files }: BackupArguments) => {
      if (verify !== undefined && output === undefined) await verifyFile(verify);
      else if (output !== undefined && verify === undefined) await backUp(output, files);
      else throw new UsageError("name a file, with --output or with --verify");
    });

interface RestoreArguments {
  replace?: true;
  otherKey?: true;
  files: boolean;
}

export const restoreCommand = (): Command =>
  new Command("restore")
    .description("Makes the database, and the uploaded files, what they were in a backup: all of it or nothing.")
    .argument("<file>", "what mortar backup wrote; - is stdin")
    .option("--replace", "delete what the database has, every table in its schema public; uploaded files are put aside")
    .option("--no-files", "leave the uploaded files out")
    .option("--other-key", "go on although the encryption key is not the backup's: its secrets are lost")
    .addHelpText("after", RESTORE_HELP)
    .action((file: string, options: RestoreArguments) =>
      withDatabase(
        "leave",
        async ({ config, database }) => {
          const report = await withProgress((onProgress) =>
            restoreBackup({
              url: database.directUrl,
              source: readArchiveFile(file),
              replace: options.replace === true,
              uploads: options.files ? uploadsOf(config) : null,
              encryptionKey: options.otherKey ? null : config.ENCRYPTION_KEY,
              onProgress,
            }),
          );
          console.log(describeRestore(report));
        },
        { share: false },
      ),
    );

async function verifyFile(path: string): Promise<void> {
  const { header, manifest } = await verifyBackup(readArchiveFile(path));
  console.log(formatTables(manifest.tables));
  console.log(
    `${describeFiles(manifest.files)}. Written by Mortar ${header.mortarVersion} at ${header.createdAt}; as it was written.`,
  );
}

async function backUp(path: string, withFiles: boolean): Promise<void> {
  await withDatabase("configured", async ({ config, database }) => {
    const file = await createArchiveFile(path);
    try {
      const uploads = uploadsOf(config);
      const manifest = await withProgress((onProgress) =>
        writeBackup({
          url: database.directUrl,
          write: file.write,
          uploads: withFiles ? uploads : "excluded",
          encryptionKey: config.ENCRYPTION_KEY,
          mortarVersion: readVersion(),
          now: () => new Date(),
          onProgress,
        }),
      );
      await file.keep();
      if (path === "-") return;
      console.log(formatTables(manifest.tables));
      console.log(
        uploads === "elsewhere" ? "Uploaded files are in the S3 bucket: back that up, too" : describeFiles(manifest.files),
      );
    } finally {
      await file.discard();
    }
  });
}

const uploadsOf = ({ S3_BUCKET, DATA_DIR }: CompleteConfig) =>
  S3_BUCKET === undefined ? { folder: join(DATA_DIR, "uploads") } : "elsewhere";

async function withProgress<Result>(work: (onProgress: (what: string) => void) => Promise<Result>): Promise<Result> {
  const progress = createProgress({ stream: process.stderr });
  try {
    return await work(progress.update);
  } finally {
    progress.end();
  }
}

function describeRestore({ header, manifest, migrated, replacedFiles }: RestoreReport): string {
  const lines = [formatTables(manifest.tables), describeFiles(manifest.files)];
  if (migrated.length > 0) lines.push(`Migrated to this release: ${migrated.join(", ")}`);
  if (replacedFiles !== null) lines.push(`The files that were there before are in ${replacedFiles}: delete them when you will`);
  lines.push(`Restored: the installation as it was at ${header.createdAt}`);
  return lines.join("\n");
}

const formatTables = (tables: readonly { name: string; rows: number; sha256: string }[]): string =>
  formatTable(
    ["table", "rows", "sha256"],
    tables.filter(({ rows }) => rows > 0).map(({ name, rows, sha256 }) => [name, String(rows), sha256]),
  );

const describeFiles = ({ count, bytes }: { count: number; bytes: number }): string =>
  `${count} uploaded file${count === 1 ? "" : "s"}, ${bytes} bytes`;
