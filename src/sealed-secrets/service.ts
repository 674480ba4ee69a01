/** What is stored sealed, whatever it is of, when the encryption key changes. */
import type { Database } from "../db/database.ts";
import type { SecretBox } from "../shared/secret-box.ts";

export type SealedSecretService = ReturnType<typeof createSealedSecretService>;

/** Every column that holds sealed text; test/cli/reseal.test.ts finds others. */
export const SEALED_COLUMNS = [
  { table: "webhooks", column: "secret" },
  { table: "webhooks", column: "previousSecret" },
  { table: "environments", column: "identifySecret" },
  { table: "environments", column: "previousIdentifySecret" },
  { table: "idempotency_keys", column: "answer" },
] as const;

const BATCH = 200;

export interface ResealReport {
  resealed: number;
  /** Sealed with a key that is not there. They stay as they are. */
  unreadable: number;
}

export function createSealedSecretService({ db, secretBox }: { db: Database; secretBox: SecretBox }) {
  return { reseal };

  /**
   * Seals with the present key what is sealed with a former one. May run beside a server, be broken off and be repeated:
   * a row that changes meanwhile is left as it is, for what wrote it has sealed it anew.
   */
  async function reseal(): Promise<ResealReport> {
    const report = { resealed: 0, unreadable: 0 };
    for (const place of SEALED_COLUMNS) await resealColumn(place, report);
    return report;
  }

  async function resealColumn({ table, column }: (typeof SEALED_COLUMNS)[number], report: ResealReport): Promise<void> {
    for (let after = ""; ; ) {
      const rows = await db.query<{ sealed: string }>(
        `select "${column}" as sealed from "${table}"
         where "${column}" > $1 and not starts_with("${column}", $2) order by "${column}" limit ${BATCH}`,
        [after, secretBox.prefix],
      );
      for (const { sealed } of rows) {
        const secret = openOrNull(sealed);
        if (secret === null) report.unreadable++;
        else {
          await db.query(`update "${table}" set "${column}" = $2 where "${column}" = $1`, [sealed, secretBox.seal(secret)]);
          report.resealed++;
        }
      }
      const last = rows.at(-1);
      if (last === undefined || rows.length < BATCH) return;
      after = last.sealed;
    }
  }

  function openOrNull(sealed: string): string | null {
    try {
      return secretBox.open(sealed);
    } catch {
      return null;
    }
  }
}
