import type { Trace } from "../shared/trace.ts";
import type { Database, Statement, Transaction } from "./database.ts";

/** The database, whose statements and transactions are noted: named ones by their name, others by their first word. */
export function traceDatabase(db: Database, trace: Trace): Database {
  return { ...db, ...traceQueries(db, trace), transaction };

  function transaction<Result>(work: (tx: Transaction) => Promise<Result>): Promise<Result> {
    return trace("database transaction", { "db.system.name": "postgresql" }, () => db.transaction(work));
  }
}

/** As {@link traceDatabase}, of what only reads. */
export function traceQueries(queries: Pick<Transaction, "query">, trace: Trace): Pick<Transaction, "query"> {
  return { query };

  function query<Row extends object>(statement: Statement | string, values?: unknown[]): Promise<Row[]> {
    const name = typeof statement === "string" ? verbOf(statement) : statement.name;
    return trace(`database ${name}`, { "db.system.name": "postgresql", "db.operation.name": name }, () =>
      queries.query<Row>(statement, values),
    );
  }
}

const verbOf = (text: string): string => /^\s*([a-z]+)/i.exec(text)?.[1]?.toLowerCase() ?? "statement";
