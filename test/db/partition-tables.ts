/** Splits the tables below environments into hash partitions by `environmentId`, as a distributed database would. */
import { readTables } from "../../src/db/catalogue.ts";
import { quoteName, type Session } from "../../src/db/session.ts";
import { DISTRIBUTION_COLUMN, placeTables } from "../../src/db/shard-plan.ts";

const PARTITIONS = 8;

interface Definition {
  table: string;
  kind: "key" | "index" | "foreign" | "trigger";
  statement: string;
}

/** What a table has beside its columns, as the statements that make it. */
const DEFINITIONS = `
  select c.conrelid::regclass::text as table, case when c.contype = 'f' then 'foreign' else 'key' end as kind,
    format('alter table %s add constraint %I %s', c.conrelid::regclass, c.conname, pg_get_constraintdef(c.oid)) as statement
  from pg_constraint c where c.connamespace = 'public'::regnamespace and c.contype in ('p', 'u', 'f') and c.conparentid = 0
  union all
  select i.indrelid::regclass::text, 'index', pg_get_indexdef(i.indexrelid) from pg_index i
  join pg_class c on c.oid = i.indrelid and c.relnamespace = 'public'::regnamespace and not c.relispartition
  where not exists (select from pg_constraint k where k.conindid = i.indexrelid and k.contype in ('p', 'u'))
  union all
  select t.tgrelid::regclass::text, 'trigger', pg_get_triggerdef(t.oid) from pg_trigger t join pg_class c on c.oid = t.tgrelid
  where not t.tgisinternal and t.tgparentid = 0 and not c.relispartition`;

export async function describeTables(session: Session): Promise<string[]> {
  const definitions = await session.query<Definition>(DEFINITIONS);
  return definitions.map(({ statement }) => statement.replace(" ON ONLY ", " ON ")).sort();
}

/** Expects empty tables. Every key, index, foreign key and trigger is made again as it was. */
export async function partitionTables(session: Session): Promise<string[]> {
  const definitions = (await session.query<Definition>(DEFINITIONS)).map((each) => ({
    ...each,
    table: each.table.replaceAll('"', ""),
  }));
  const { placed } = placeTables(await readTables(session));
  const names = placed.filter(({ placement }) => placement === "distributed").map(({ table }) => table.name);
  for (const { table, foreignKeys } of placed.map((each) => ({ table: each.table.name, foreignKeys: each.table.foreignKeys })))
    for (const { name } of foreignKeys)
      await session.execute(`alter table ${quoteName(table)} drop constraint ${quoteName(name)}`);
  for (const name of names) {
    const old = quoteName(`${name}_whole`);
    await session.execute(`alter table ${quoteName(name)} rename to ${old}`);
    await session.execute(
      `create table ${quoteName(name)} (like ${old} including defaults) partition by hash (${quoteName(DISTRIBUTION_COLUMN)})`,
    );
    for (let n = 0; n < PARTITIONS; n++)
      await session.execute(
        `create table ${quoteName(`${name}_p${n}`)} partition of ${quoteName(name)} for values with (modulus ${PARTITIONS}, remainder ${n}) with (autovacuum_enabled = off)`,
      );
    await session.execute(`drop table ${old}`);
    const own = definitions.filter(({ table, kind }) => table === name && kind !== "foreign");
    for (const { statement } of own) await session.execute(statement);
  }
  for (const { statement } of definitions.filter(({ kind }) => kind === "foreign")) await session.execute(statement);
  return names;
}
