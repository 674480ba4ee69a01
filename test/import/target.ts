/** A database of its own for each import, so that its report can be compared as a whole. */
import { randomBytes } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { pino } from "pino";
import { inject } from "vitest";
import { judgeSurvey } from "../../src/cli/import.ts";
import { migrate } from "../../src/db/migrate.ts";
import { openSession, type Session } from "../../src/db/session.ts";
import { fileSource } from "../../src/import/formbricks/read-file.ts";
import type { ImportReport } from "../../src/import/formbricks/report.ts";
import { importFormbricks } from "../../src/import/formbricks/service.ts";
import type { Source } from "../../src/import/formbricks/source.ts";
import { createSecretBox } from "../../src/shared/secret-box.ts";
import { makeTemporaryFolder } from "../support/temporary-folder.ts";

export const secretBox = createSecretBox("an encryption key for tests only, 0123456789");

export interface TestDatabase {
  url: string;
  session: Session;
  drop(): Promise<void>;
}

/** An empty database on the run's server. */
export async function createDatabase({ migrated }: { migrated: boolean }): Promise<TestDatabase> {
  const name = `import_${randomBytes(6).toString("hex")}`;
  const admin = await openSession({ url: inject("databaseUrl"), name: "test" });
  await admin.execute(`create database ${name} template template0`);
  const address = new URL(inject("databaseUrl"));
  address.pathname = `/${name}`;
  if (migrated) await migrate({ url: address.href, log: pino({ level: "silent" }) });
  const session = await openSession({ url: address.href, name: "test" });
  return { url: address.href, session, drop };

  async function drop(): Promise<void> {
    await session.close();
    await admin.execute(`drop database ${name} with (force)`);
    await admin.close();
  }
}

export interface ImportTarget extends TestDatabase {
  importFrom(source: Source): Promise<ImportReport>;
  /** Imports a file with this content: a text as it is, anything else as JSON. */
  importFile(content: unknown): Promise<ImportReport>;
  rows(query: string): Promise<Record<string, unknown>[]>;
}

export async function createTarget(): Promise<ImportTarget> {
  const database = await createDatabase({ migrated: true });
  const folder = makeTemporaryFolder();
  return { ...database, importFrom, importFile, rows: (query) => database.session.query(query), drop };

  function importFrom(source: Source): Promise<ImportReport> {
    return importFormbricks({ url: database.url, source, secretBox, judgeSurvey });
  }

  function importFile(content: unknown): Promise<ImportReport> {
    const path = join(folder.path, "dump.json");
    writeFileSync(path, typeof content === "string" ? content : JSON.stringify(content));
    return importFrom(fileSource(path));
  }

  async function drop(): Promise<void> {
    folder.remove();
    await database.drop();
  }
}

/** The report as text lines for comparison: table → read, written, already there, left. */
export const countsOf = ({ tables }: ImportReport): Record<string, number[]> =>
  Object.fromEntries(tables.map(({ table, counts: { read, written, there, left } }) => [table, [read, written, there, left]]));

/** `table: reason` → the rows named. */
export const findingsOf = (findings: ImportReport["left"]): Record<string, string[]> =>
  Object.fromEntries(findings.map(({ table, reason, examples }) => [`${table}: ${reason}`, examples]));
