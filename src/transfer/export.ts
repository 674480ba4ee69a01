import { type CatalogueTable, readTables } from "../db/catalogue.ts";
import { openSession, quoteName, quoteText, type Session } from "../db/session.ts";
import { LINE_TYPES, type LineType, ROOT_TYPES } from "./line-types.ts";

/** What is exported or imported cannot be, in words for the operator. */
export class TransferError extends Error {
  override readonly name = "TransferError";
}

export type ExportScope = { environmentId: string } | { organizationId: string };

export interface ExportOptions {
  /** Past a transaction pooler. */
  url: string;
  scope: ExportScope;
  /** Takes the bytes in their order and resolves when more may follow. */
  write(bytes: Buffer): Promise<void>;
  onProgress?(what: string): void;
}

export const FORMAT = "mortar-export";
export const FORMAT_VERSION = 1;

/** Line type → how many lines. */
export type LineCounts = Record<string, number>;

const BATCH = 500;

interface Owners {
  organizationIds: string[];
  environmentIds: string[];
  isWhole: boolean;
}

/**
 * Writes an environment, or an organization with all of its projects and environments, as NDJSON: a first line that says
 * what it is, and then one line per row, `{"type":"contact","data":{…}}`. The rows are those of one moment, and their order
 * is that of their keys, so that the same data makes the same bytes. Memory does not grow with the number of rows.
 * Throws {@link TransferError} when there is no such environment or organization.
 */
export async function exportLines({ url, scope, write, onProgress = () => undefined }: ExportOptions): Promise<LineCounts> {
  const session = await openSession({ url, name: "export" });
  try {
    await session.execute(
      "set timezone = 'UTC'; set datestyle = 'ISO, YMD'; set statement_timeout = 0; set idle_in_transaction_session_timeout = 0",
    );
    return await session.transaction(async () => {
      const owners = await findOwners(session, scope);
      const tables = await readTables(session);
      const head = { type: FORMAT, version: FORMAT_VERSION, ...scope };
      await write(Buffer.from(`${JSON.stringify(head)}\n`));
      const counts: LineCounts = {};
      for (const line of linesOf(owners)) {
        onProgress(line.type);
        const table = tables.find(({ name }) => name === line.table);
        if (!table) throw new TransferError(`the database has no table ${line.table}: run mortar migrate`);
        counts[line.type] = 0;
        for await (const rows of session.batches<{ line: string }>(selectLines(line, table, owners), BATCH)) {
          await write(Buffer.from(rows.map((row) => `${row.line}\n`).join("")));
          counts[line.type] = (counts[line.type] ?? 0) + rows.length;
        }
      }
      return counts;
    }, "snapshot");
  } finally {
    await session.close();
  }
}

async function findOwners(session: Session, scope: ExportScope): Promise<Owners> {
  if ("environmentId" in scope) {
    const [found] = await session.query<{ organizationId: string }>(
      `select p."organizationId" from environments e join projects p on p.id = e."projectId" where e.id = $1`,
      [scope.environmentId],
    );
    if (!found) throw new TransferError("there is no such environment");
    return { organizationIds: [found.organizationId], environmentIds: [scope.environmentId], isWhole: false };
  }
  const { organizationId } = scope;
  const [found] = await session.query("select id from organizations where id = $1", [organizationId]);
  if (!found) throw new TransferError("there is no such organization");
  const environments = await session.query<{ id: string }>(
    `select e.id from environments e join projects p on p.id = e."projectId" where p."organizationId" = $1`,
    [organizationId],
  );
  return { organizationIds: [organizationId], environmentIds: environments.map(({ id }) => id), isWhole: true };
}

const linesOf = ({ isWhole }: Owners): Omit<LineType, "level">[] => [
  ...ROOT_TYPES,
  ...LINE_TYPES.filter(({ level }) => isWhole || level === "environment"),
];

/** A cursor takes no parameters, so the ids stand in the text. */
function selectLines({ type, where, withheld = [] }: Omit<LineType, "level">, table: CatalogueTable, owners: Owners): string {
  const columns = [...table.primaryKey, ...table.columns.filter((column) => !table.primaryKey.includes(column))]
    .filter((column) => !withheld.includes(column))
    .map(quoteName);
  const condition = (where ?? `"environmentId" = any($2)`)
    .replaceAll("$1", arrayOf(owners.organizationIds))
    .replaceAll("$2", arrayOf(owners.environmentIds))
    .replaceAll("$3", String(owners.isWhole));
  const order = table.primaryKey.map((column) => `${quoteName(column)} collate "C"`).join(", ");
  return `select '{"type":' || ${quoteText(JSON.stringify(type))} || ',"data":' || row_to_json(x)::text || '}' as line
    from (select ${columns.join(", ")} from ${quoteName(table.name)} where ${condition} order by ${order}) x`;
}

const arrayOf = (ids: readonly string[]): string => `array[${ids.map(quoteText).join(", ")}]::text[]`;
