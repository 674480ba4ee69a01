import { notifyChange } from "../../db/change-feed.ts";
import { openSession, type Session } from "../../db/session.ts";
import type { SecretBox } from "../../shared/secret-box.ts";
import { resolvedTable, type SurveyJudge } from "./load.ts";
import { createReportBuilder, type ImportReport, type ReportBuilder } from "./report.ts";
import { type Source, type SourceBatch, SourceError } from "./source.ts";
import { nameRow } from "./source-row.ts";
import { createStaging } from "./staging.ts";
import { IMPORT_STEPS } from "./steps.ts";
import { apiKeys } from "./tables/api-keys.ts";

export interface ImportOptions {
  /** Mortar's own database, straight (not through a transaction pooler), migrated. */
  url: string;
  source: Source;
  /** Under this installation's key. */
  secretBox: SecretBox;
  judgeSurvey: SurveyJudge;
  onProgress?: (progress: ImportProgress) => void;
}

export type ImportProgress =
  | { phase: "reading"; table: string; rows: number; bytes: { read: number; total: number } }
  | { phase: "writing"; table: string };

/** Held while an import runs, so that two do not meet. */
const ADVISORY_LOCK = 72_707_371;

/**
 * Brings Formbricks' tables into Mortar's. Ids, keys and timestamps are kept; rows that are in the database already
 * stay as they are there, so it can be run again. It reads the whole source into temporary tables first and then
 * writes in one transaction: when it fails nothing was written. Rows that cannot come over are in the report; it
 * throws {@link SourceError} when the source as a whole cannot be read or holds none of the tables.
 */
export async function importFormbricks(options: ImportOptions): Promise<ImportReport> {
  const { url, source, secretBox, judgeSurvey, onProgress = () => undefined } = options;
  const session = await openSession({ url, name: "import" });
  try {
    await session.execute("set work_mem = '64MB'");
    await takeLock(session);
    const report = createReportBuilder();
    await stage({ session, source, secretBox, report, onProgress });
    await session.transaction(async () => {
      for (const { mappings, load } of IMPORT_STEPS) {
        onProgress({ phase: "writing", table: mappings.map(({ target }) => target).join(", ") });
        await load({ session, report, judgeSurvey });
      }
      await announce(session);
    });
    return report.finish();
  } finally {
    await session.close();
  }
}

async function takeLock(session: Session): Promise<void> {
  const [row] = await session.query<{ taken: boolean }>("select pg_try_advisory_lock($1) as taken", [ADVISORY_LOCK]);
  if (!row?.taken) throw new SourceError("another import into this database is under way");
}

/** Attribute filters of surveys were replaced by segments long ago; the table is listed so that nobody wonders. */
const OBSOLETE = new Map([["SurveyAttributeFilter", "attribute filters were replaced by segments"]]);

async function stage({
  session,
  source,
  secretBox,
  report,
  onProgress,
}: {
  session: Session;
  source: Source;
  secretBox: SecretBox;
  report: ReportBuilder;
  onProgress: (progress: ImportProgress) => void;
}): Promise<void> {
  const staging = await createStaging({
    session,
    mappings: IMPORT_STEPS.flatMap(({ mappings }) => mappings),
    tools: { secretBox, note: report.note },
    report,
  });
  const isWanted = (table: string) => staging.isWanted(table) || OBSOLETE.has(table);
  let rows = 0;
  let isFormbricks = false;
  for await (const batch of source.read(isWanted)) {
    const obsolete = OBSOLETE.get(batch.table);
    rows += batch.rows.length;
    isFormbricks ||= staging.isWanted(batch.table);
    if (!isWanted(batch.table)) report.ignore(batch.table, batch.skipped);
    else if (obsolete !== undefined) leaveAll(report, batch, obsolete);
    else await staging.add(batch.table, batch.rows);
    onProgress({ phase: "reading", table: batch.table, rows, bytes: batch.bytes });
  }
  if (!isFormbricks)
    throw new SourceError("the source has none of Formbricks' tables (Organization, Workspace or Project, Survey, …)");
  await staging.finish();
}

function leaveAll(report: ReportBuilder, { table, rows }: SourceBatch, reason: string): void {
  report.countRead(table, rows.length);
  for (const [i, row] of rows.entries()) report.leave(table, reason, nameRow(row, i + 1));
}

/** Tells running servers to forget what they cached of the environments and keys. */
async function announce(session: Session): Promise<void> {
  const environments = await session.query<{ id: string }>("select id from environments");
  for (const { id } of environments) await notifyChange(session, "environment", id);
  const keys = await session.query<{ id: string }>(`select id from ${resolvedTable(apiKeys)} where _state = 'new'`);
  for (const { id } of keys) await notifyChange(session, "api_key", id);
}
