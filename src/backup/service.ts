/** Backups of an installation, of the embedded database and of any other. See src/decisions/0048. */
import { countLines } from "./copy-text.ts";
import { type ReadBackup, readBackup } from "./read-backup.ts";

export { RestoreRefused, type RestoreReport, restoreBackup } from "./restore-backup.ts";
export { ArchiveError } from "./tar.ts";
export { writeBackup } from "./write-backup.ts";

/** Reads a whole backup and compares it with its manifest. Throws {@link ArchiveError}. */
export async function verifyBackup(source: AsyncIterable<Buffer>): Promise<ReadBackup> {
  return await readBackup(source, {
    begin: async () => undefined,
    takeTable: async (_table, chunks) => {
      let rows = 0;
      for await (const chunk of chunks) rows += countLines(chunk);
      return rows;
    },
    takeFile: async (_key, chunks) => {
      for await (const _chunk of chunks);
    },
  });
}
