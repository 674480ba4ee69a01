/**
 * Fills every table that a database has, whatever its release: rows are made up from the catalogue, so that a new table or
 * column has some, too.
 */
import { inOrderOfReference, readTables } from "../../src/db/catalogue.ts";
import { quoteName, type Session } from "../../src/db/session.ts";

interface Column {
  table: string;
  name: string;
  type: string;
  isNullable: boolean;
  isNumbered: boolean;
  /** Of an enum. */
  labels: string[];
}

/** What no release wrote before there was the table it refers to. */
const NOT_WRITTEN_ALONE: Record<string, string> = { "contacts.companyId": "companies" };

type Row = Record<string, unknown>;

const COLUMNS = `
  select c.relname::text as table, a.attname::text as name, format_type(a.atttypid, null) as type, not a.attnotnull as "isNullable",
    coalesce(pg_get_expr(d.adbin, d.adrelid) like 'nextval(%', false) as "isNumbered",
    array(select e.enumlabel::text from pg_enum e where e.enumtypid = a.atttypid order by e.enumsortorder) as labels
  from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
  left join pg_attrdef d on d.adrelid = c.oid and d.adnum = a.attnum
  where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p')`;

/** What COPY, JSON and SQL each have to escape. */
const AWKWARD = "tab\t, line\nfeed, back\\slash \\N \\., \"quotes' ß € 🙂";

/** Adds `count` rows to every table. Row n of a table belongs to row n of those it refers to. */
export async function fillTables(session: Session, { count, prefix = "" }: { count: number; prefix?: string }): Promise<void> {
  const columns = await session.query<Column>(COLUMNS);
  const made = new Map<string, Row[]>();
  const isWritten = ({ table, name }: Column) => {
    const needed = NOT_WRITTEN_ALONE[`${table}.${name}`];
    return needed === undefined || columns.some((column) => column.table === needed);
  };
  for (const table of inOrderOfReference(await keptTables(session))) {
    const own = columns.filter(({ table: name, isNumbered }) => name === table.name && !isNumbered).filter(isWritten);
    const rows = Array.from({ length: count }, (_, n): Row => {
      const row: Row = Object.fromEntries(own.map((column) => [column.name, makeValue(column, n, prefix)]));
      if ("environmentId" in row) row.environmentId = made.get("environments")?.[n]?.id; // also where no key demands it
      for (const { columns: names, target, targetColumns } of table.foreignKeys)
        for (const [i, name] of names.entries()) row[name] = made.get(target)?.[n]?.[targetColumns[i] ?? ""] ?? row[name];
      return row;
    });
    made.set(table.name, rows);
    const names = own.map(({ name }) => quoteName(name)).join(", ");
    const places = own.map(({ type }, i) => `$${i + 1}::${type}`).join(", ");
    for (const row of rows)
      await session.execute(
        `insert into ${quoteName(table.name)} (${names}) values (${places})`,
        own.map(({ name }) => row[name]),
      );
  }
}

function makeValue({ table, name, type, isNullable, labels }: Column, n: number, prefix: string): unknown {
  if (isNullable && n % 3 === 2) return null;
  if (labels.length > 0) return labels[n % labels.length];
  if (type === "jsonb")
    return JSON.stringify({ n, nested: { none: null, text: AWKWARD }, big: "@", list: [1, 2.5] }).replace(
      '"@"',
      "12345678901234567890",
    );
  if (type === "text[]") return [`a${n}`, "b,c", AWKWARD];
  if (type === "boolean") return n % 2 === 0;
  if (type === "uuid")
    return `00000000-0000-4000-8000-${Buffer.from(prefix + name)
      .toString("hex")
      .slice(0, 6)
      .padStart(6, "0")}${String(n).padStart(6, "0")}`;
  if (type.startsWith("timestamp")) return new Date(Date.UTC(2026, 0, 1, 0, 0, n, 123));
  if (/^(integer|bigint|smallint|double precision|numeric)$/.test(type)) return n;
  if (type !== "text" && !type.startsWith("character"))
    throw new Error(`no value is known for ${table}.${name}, which is ${type}`);
  return /id$|key$|hash$|name$|title$/i.test(name) ? `${prefix}${table}-${name}-${n}` : `${AWKWARD} ${prefix}${n}`;
}

/** Without the unlogged ones, which are worth nothing after a crash and are kept nowhere. */
const keptTables = async (session: Session) => (await readTables(session)).filter(({ isLogged }) => isLogged);

/** Table → its rows and a checksum of their content, whatever the order they are stored in. */
export async function digestTables(session: Session): Promise<Record<string, string>> {
  const digests: Record<string, string> = {};
  for (const { name } of await keptTables(session)) {
    const [row] = await session.query<{ digest: string }>(
      `select count(*) || ' rows, ' || coalesce(md5(string_agg(t::text, E'\\n' order by t::text collate "C")), '-') as digest from ${quoteName(name)} t`,
    );
    digests[name] = row?.digest ?? "";
  }
  return digests;
}
