import { Prisma } from "./generated/client.ts";

/**
 * Connection refused, reset, timed out; and PostgreSQL's own "not now": shutting down, starting, too many connections,
 * read-only, disk or memory full, an error of its disk, a statement or a lock that took longer than it may.
 */
const UNAVAILABLE_CODES = new Set([
  "ECONNREFUSED",
  "ECONNRESET",
  "ENOTFOUND",
  "EPIPE",
  "ETIMEDOUT",
  "EAI_AGAIN",
  "57P01",
  "57P02",
  "57P03",
  "53000",
  "53100",
  "53200",
  "53300",
  "53400",
  "08000",
  "08003",
  "08006",
  "08001",
  "08004",
  "25006",
  "55P03",
  "57014",
  "58030",
  "P1001",
  "P1002",
  "P1008",
  "P1017",
  "P2024",
]);

const UNAVAILABLE_MESSAGES =
  /timeout exceeded when trying to connect|^timeout expired$|Connection terminated|Query read timeout|Client has encountered a connection error|Cannot use a pool after calling end/;

/** Values the database cannot store: NUL in text, NUL in JSON, an unpaired surrogate. */
const UNSTORABLE_CODES = new Set(["22021", "22P05", "22P02"]);

/** Whether the error means that the database is away, and that the same call may succeed later. */
export function isUnavailable(error: unknown): boolean {
  return errors(error).some(({ code, message }) => UNAVAILABLE_CODES.has(code) || UNAVAILABLE_MESSAGES.test(message));
}

/** What a database says that is there, and busy or broken in itself. */
const PRESENT_CODES = new Set(["25006", "53100", "53200", "53400", "55P03", "57014", "58030"]);

/** As {@link isUnavailable}, where it is away altogether: not reached, lost on the way, starting, stopping, or full of others. */
export function isAway(error: unknown): boolean {
  return isUnavailable(error) && !errors(error).some(({ code }) => PRESENT_CODES.has(code));
}

/** Whether the transaction may be repeated as it is: a serialization failure or a deadlock. */
export function isRetryable(error: unknown): boolean {
  return errors(error).some(({ code }) => code === "40001" || code === "40P01" || code === "P2034");
}

/** Whether the database refused a value's characters. */
export function isUnstorable(error: unknown): boolean {
  return errors(error).some(({ code }) => UNSTORABLE_CODES.has(code));
}

/** Whether a unique key was violated; with `column`, one whose name or fields contain it. */
export function isUniqueViolation(error: unknown, column?: string): boolean {
  return errors(error).some(
    ({ code, target }) => (code === "23505" || code === "P2002") && (column === undefined || target.includes(column)),
  );
}

/** Whether a row that was to be changed or referred to does not exist; with `column`, one that this column refers to. */
export function isMissingRow(error: unknown, column?: string): boolean {
  return errors(error).some(
    ({ code, target }) =>
      (code === "23503" || code === "P2025" || code === "P2003") && (column === undefined || target.includes(column)),
  );
}

interface DatabaseError {
  code: string;
  message: string;
  target: string;
}

/** The error and its causes, as far as they look like a database's. */
function errors(error: unknown): DatabaseError[] {
  const found: DatabaseError[] = [];
  for (let current = error, depth = 0; current !== undefined && current !== null && depth < 5; depth++) {
    if (typeof current !== "object") break;
    const { code, message, constraint, cause } = current as Record<string, unknown>;
    const meta = current instanceof Prisma.PrismaClientKnownRequestError ? JSON.stringify(current.meta ?? {}) : "";
    found.push({ code: text(code), message: text(message), target: text(constraint) + meta });
    // The driver adapter's own error carries PostgreSQL's code under another name.
    if (typeof cause === "object" && cause !== null && "originalCode" in cause)
      found.push({ code: text(cause.originalCode), message: "", target: meta });
    current = cause;
  }
  return found;
}

const text = (value: unknown): string => (typeof value === "string" ? value : "");
