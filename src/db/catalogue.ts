/** What tables there are, as the database itself tells: nothing that goes over all of them keeps a list by hand. */
import type { Database } from "./database.ts";

export interface ForeignKey {
  name: string;
  table: string;
  columns: string[];
  /** The table it refers to, and the columns there. */
  target: string;
  targetColumns: string[];
  /** As in CREATE TABLE: `FOREIGN KEY (…) REFERENCES …`. */
  definition: string;
}

export interface CatalogueTable {
  name: string;
  /** In their order, without generated ones. */
  columns: string[];
  primaryKey: string[];
  foreignKeys: ForeignKey[];
  /** Triggers of ours, without those that keep foreign keys. */
  triggers: string[];
  /** Unlogged tables are empty after a crash. */
  isLogged: boolean;
}

/** A sequence that numbers the rows of a column. */
export interface CatalogueSequence {
  name: string;
  table: string;
  column: string;
}

/** The books of the migrations, which are not data. */
export const MIGRATION_BOOKS = "_prisma_migrations";

const OF_EXTENSION = (oid: string, kind: string) =>
  `exists (select from pg_depend d where d.classid = '${kind}'::regclass and d.objid = ${oid} and d.deptype = 'e')`;

const TABLES = `
  select c.relname::text as name, c.relpersistence <> 'u' as "isLogged",
    array(select a.attname::text from pg_attribute a
      where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and a.attgenerated = '' order by a.attnum) as columns,
    array(select a.attname::text from pg_index i, unnest(i.indkey::int2[]) with ordinality as k(number, position)
      join pg_attribute a on a.attrelid = c.oid and a.attnum = k.number
      where i.indrelid = c.oid and i.indisprimary order by k.position) as "primaryKey",
    array(select t.tgname::text from pg_trigger t where t.tgrelid = c.oid and not t.tgisinternal order by 1) as triggers
  from pg_class c
  where c.relkind in ('r', 'p') and not c.relispartition and c.relnamespace = 'public'::regnamespace
    and c.relname <> '${MIGRATION_BOOKS}' and not ${OF_EXTENSION("c.oid", "pg_class")}
  order by c.relname collate "C"`;

const FOREIGN_KEYS = `
  select f.conname::text as name, c.relname::text as table, t.relname::text as target, pg_get_constraintdef(f.oid) as definition,
    array(select a.attname::text from unnest(f.conkey) with ordinality as k(number, position)
      join pg_attribute a on a.attrelid = f.conrelid and a.attnum = k.number order by k.position) as columns,
    array(select a.attname::text from unnest(f.confkey) with ordinality as k(number, position)
      join pg_attribute a on a.attrelid = f.confrelid and a.attnum = k.number order by k.position) as "targetColumns"
  from pg_constraint f join pg_class c on c.oid = f.conrelid join pg_class t on t.oid = f.confrelid
  where f.contype = 'f' and f.conparentid = 0 and c.relnamespace = 'public'::regnamespace
  order by c.relname collate "C", f.conname collate "C"`;

const SEQUENCES = `
  select s.relname::text as name, c.relname::text as table, a.attname::text as column
  from pg_class s join pg_depend d on d.classid = 'pg_class'::regclass and d.objid = s.oid and d.deptype in ('a', 'i')
  join pg_class c on d.refclassid = 'pg_class'::regclass and c.oid = d.refobjid
  join pg_attribute a on a.attrelid = c.oid and a.attnum = d.refobjsubid
  where s.relkind = 'S' and s.relnamespace = 'public'::regnamespace
  order by s.relname collate "C"`;

/** The tables of the schema `public`, in the order of their names; without the migrations' books and extensions' tables. */
export async function readTables(db: Pick<Database, "query">): Promise<CatalogueTable[]> {
  const tables = await db.query<Omit<CatalogueTable, "foreignKeys">>(TABLES);
  const keys = await db.query<ForeignKey>(FOREIGN_KEYS);
  return tables.map((table) => ({ ...table, foreignKeys: keys.filter((key) => key.table === table.name) }));
}

export const readSequences = (db: Pick<Database, "query">): Promise<CatalogueSequence[]> => db.query(SEQUENCES);

/** The same tables, each after those it refers to; the names decide where that leaves a choice. */
export function inOrderOfReference(tables: readonly CatalogueTable[]): CatalogueTable[] {
  const ordered: CatalogueTable[] = [];
  const visited = new Set<string>();
  const visit = (table: CatalogueTable): void => {
    if (visited.has(table.name)) return;
    visited.add(table.name);
    for (const { target } of table.foreignKeys) {
      const referred = tables.find(({ name }) => name === target);
      if (referred) visit(referred);
    }
    ordered.push(table);
  };
  for (const table of tables) visit(table);
  return ordered;
}

/**
 * The statements that remove all tables, types and functions of the schema `public`. They fail where something else, a
 * view for instance, depends on one of them.
 */
export async function dropStatements(db: Pick<Database, "query">): Promise<string[]> {
  const rows = await db.query<{ statement: string }>(`
    select 'drop table ' || string_agg(format('public.%I', c.relname), ', ') as statement from pg_class c
    where c.relkind in ('r', 'p') and not c.relispartition and c.relnamespace = 'public'::regnamespace
      and not ${OF_EXTENSION("c.oid", "pg_class")} having count(*) > 0
    union all
    select 'drop type ' || string_agg(format('public.%I', t.typname), ', ') from pg_type t
    where t.typtype = 'e' and t.typnamespace = 'public'::regnamespace and not ${OF_EXTENSION("t.oid", "pg_type")} having count(*) > 0
    union all
    select 'drop function ' || string_agg(p.oid::regprocedure::text, ', ') from pg_proc p
    where p.prokind = 'f' and p.pronamespace = 'public'::regnamespace and not ${OF_EXTENSION("p.oid", "pg_proc")} having count(*) > 0`);
  return rows.map(({ statement }) => statement);
}
