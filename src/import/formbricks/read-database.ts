import { openSession, quoteName, type Session } from "../../db/session.ts";
import { type Source, type SourceBatch, SourceError } from "./source.ts";

const BATCH_ROWS = 500;
const UNKNOWN_SIZE = { read: 0, total: 0 };

/**
 * A running Formbricks' database, read in one snapshot, so that what is written there meanwhile does not tear it.
 * Nothing is written to it. The URL may name a schema, as Prisma's do (`?schema=formbricks`); else `public`.
 */
export function databaseSource(url: string): Source {
  return { read };

  async function* read(isWanted: (table: string) => boolean): AsyncGenerator<SourceBatch> {
    const session = await connect(url);
    try {
      await session.execute("begin transaction isolation level repeatable read read only");
      const schema = new URL(url).searchParams.get("schema") ?? "public";
      for (const table of await listTables(session, schema)) {
        if (isWanted(table)) yield* readTable(session, schema, table);
        else yield { table, rows: [], skipped: null, bytes: UNKNOWN_SIZE };
      }
    } finally {
      await session.close();
    }
  }

  async function* readTable(session: Session, schema: string, table: string): AsyncGenerator<SourceBatch> {
    yield { table, rows: [], skipped: 0, bytes: UNKNOWN_SIZE }; // an empty table is a table, too
    const select = `select row_to_json(t)::text as row from ${quoteName(schema)}.${quoteName(table)} t`;
    for await (const rows of session.batches<{ row: string }>(select, BATCH_ROWS))
      yield { table, rows: rows.map(({ row }) => JSON.parse(row) as unknown), skipped: 0, bytes: UNKNOWN_SIZE };
  }
}

async function connect(url: string): Promise<Session> {
  try {
    return await openSession({ url, name: "import source" });
  } catch (error) {
    // The URL holds a password and stays out of the message.
    throw new SourceError(`cannot connect to the source database: ${error instanceof Error ? error.message : String(error)}`);
  }
}

async function listTables(session: Session, schema: string): Promise<string[]> {
  const rows = await session.query<{ name: string }>(
    `select table_name as name from information_schema.tables
     where table_schema = $1 and table_type = 'BASE TABLE' and table_name <> '_prisma_migrations' order by table_name`,
    [schema],
  );
  return rows.map(({ name }) => name);
}
