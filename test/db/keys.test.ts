import pg from "pg";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";

/** Every key of every table that has an `environmentId`: its kind, its columns in order, and which of them may be null. */
const KEYS = `
  with tenant_tables as (
    select c.oid, c.relname from pg_class c join pg_attribute a on a.attrelid = c.oid
    where c.relkind in ('r', 'p') and c.relnamespace = 'public'::regnamespace and a.attname = 'environmentId' and not a.attisdropped
  ), keys as (
    select indrelid as oid, indexrelid::regclass::text as key, 'unique' as kind, indkey::int2[] as columns
    from pg_index where indisunique
    union all
    select conrelid, conname, 'foreign', conkey from pg_constraint where contype = 'f'
  )
  select t.relname as "table", k.key, k.kind,
    array(select a.attname::text from unnest(k.columns) with ordinality as u(number, position)
          join pg_attribute a on a.attrelid = t.oid and a.attnum = u.number order by position) as columns,
    (select not a.attnotnull from pg_attribute a where a.attrelid = t.oid and a.attname = 'environmentId') as "isNullable"
  from tenant_tables t join keys k using (oid) order by 1, 2`;

interface Key {
  table: string;
  key: string;
  kind: "unique" | "foreign";
  columns: string[];
  isNullable: boolean;
}

describe("keys of the tables below an environment", () => {
  const client = new pg.Client(inject("databaseUrl"));
  let keys: Key[] = [];
  beforeAll(async () => {
    await client.connect();
    keys = (await client.query<Key>(KEYS)).rows;
  });
  afterAll(() => client.end());

  it("finds all of the tables", () => {
    const tables = new Set(keys.map(({ table }) => table));
    expect(tables).toContain("contacts");
    expect(tables).toContain("response_tags");
    expect(tables.size).toBeGreaterThanOrEqual(15);
  });

  it.each(["unique", "foreign"])("begin with environmentId when they are %s", (kind) => {
    const others = keys.filter((key) => key.kind === kind && key.columns[0] !== "environmentId");
    expect(others).toEqual([]);
  });

  it("never begin with a column that may be null", () => {
    expect(keys.filter(({ isNullable }) => isNullable)).toEqual([]);
  });

  it("include a primary key of every table", async () => {
    const { rows } = await client.query<{ relname: string }>(`
      select c.relname from pg_class c
      where c.relkind in ('r', 'p') and c.relnamespace = 'public'::regnamespace
        and not exists (select from pg_index i where i.indrelid = c.oid and i.indisprimary)`);
    expect(rows).toEqual([]);
  });
});
