import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import pg from "pg";
import { from as copyFrom, to as copyTo } from "pg-copy-streams";
import type { Statement, Transaction } from "./database.ts";

/**
 * One database connection held for a long piece of work: no limit on how long a statement takes, temporary tables
 * that live as long as it does, cursors. For the command line; requests use {@link openDatabase}.
 */
export interface Session extends Pick<Transaction, "query"> {
  /** Runs one statement and returns how many rows it touched. */
  execute(text: string, values?: unknown[]): Promise<number>;
  /** Runs `work` in a transaction; commits, or rolls back when it throws. `snapshot`: it only reads, and all of one moment. */
  transaction<Result>(work: () => Promise<Result>, kind?: "snapshot"): Promise<Result>;
  /** What a `COPY … TO STDOUT` sends, as it arrives. To be read to its end. */
  copyOut(statement: string): AsyncIterable<Buffer>;
  /** Feeds a `COPY … FROM STDIN` and returns how many rows it made. */
  copyIn(statement: string, chunks: AsyncIterable<Buffer>): Promise<number>;
  /** The rows of a select, `size` at a time, through a cursor. Only inside a transaction. */
  batches<Row extends object>(select: string, size: number): AsyncGenerator<Row[]>;
  close(): Promise<void>;
}

/** @param url straight to PostgreSQL: a transaction pooler would hand every statement to another connection */
export async function openSession({ url, name }: { url: string; name: string }): Promise<Session> {
  const client = new pg.Client({
    connectionString: url,
    connectionTimeoutMillis: 10_000,
    keepAlive: true,
    application_name: `mortar ${name}`,
  });
  client.on("error", () => undefined); // the statement under way, or the next one, reports it
  await client.connect();
  return { query, execute, transaction, copyOut, copyIn, batches, close: () => client.end() };

  async function query<Row extends object>(statement: Statement | string, values: unknown[] = []): Promise<Row[]> {
    const { rows } = await client.query<Row>(
      typeof statement === "string" ? { text: statement, values } : { ...statement, values },
    );
    return rows;
  }

  async function execute(text: string, values: unknown[] = []): Promise<number> {
    return (await client.query(text, values)).rowCount ?? 0;
  }

  async function transaction<Result>(work: () => Promise<Result>, kind?: "snapshot"): Promise<Result> {
    await client.query(kind === "snapshot" ? "begin isolation level repeatable read read only" : "begin");
    try {
      const result = await work();
      await client.query("commit");
      return result;
    } catch (error) {
      await client.query("rollback").catch(() => undefined); // what went wrong first is what matters
      throw error;
    }
  }

  function copyOut(statement: string): AsyncIterable<Buffer> {
    return client.query(copyTo(statement));
  }

  async function copyIn(statement: string, chunks: AsyncIterable<Buffer>): Promise<number> {
    const stream = client.query(copyFrom(statement));
    await pipeline(Readable.from(chunks), stream);
    return stream.rowCount;
  }

  async function* batches<Row extends object>(select: string, size: number): AsyncGenerator<Row[]> {
    await client.query(`declare batches no scroll cursor for ${select}`);
    try {
      for (;;) {
        const { rows } = await client.query<Row>(`fetch ${size} from batches`);
        if (rows.length === 0) return;
        yield rows;
      }
    } finally {
      await client.query("close batches").catch(() => undefined);
    }
  }
}

/** A name for use in SQL text. */
export const quoteName = (name: string): string => pg.escapeIdentifier(name);

/** A text for use in SQL text, where a parameter cannot stand. */
export const quoteText = (text: string): string => pg.escapeLiteral(text);
