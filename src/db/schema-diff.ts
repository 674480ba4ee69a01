/**
 * Development tool over Prisma's schema engine, which its command line would download as a native program and which
 * npm has as WebAssembly.
 *
 *   npm run migration -- <name>   writes what prisma/schema.prisma has more than the migrations as a new migration
 *   npm run check:schema          exits 2 when schema and migrations differ
 */
import { randomUUID } from "node:crypto";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { PrismaPg } from "@prisma/adapter-pg";
import {
  bindMigrationAwareSqlAdapterFactory,
  type ColumnType,
  ColumnTypeEnum,
  isDriverAdapterError,
  type SqlDriverAdapter,
  type SqlMigrationAwareDriverAdapterFactory,
  type SqlQuery,
  type SqlResultSet,
} from "@prisma/driver-adapter-utils";
import type { DiffTarget, SchemaEngine } from "@prisma/schema-engine-wasm/schema_engine_bg";
import pg from "pg";
import { pino } from "pino";
import { startEmbeddedPostgres } from "./embedded-postgres.ts";
import { MIGRATIONS_FOLDER } from "./migrate.ts";

const SCHEMA_FILE = fileURLToPath(new URL("../../prisma/schema.prisma", import.meta.url));
const LOCK_FILE = { path: "migration_lock.toml", content: 'provider = "postgresql"\n' };
const DIFFERENT = 2;

/** Node has it, the type declarations of Node 20 do not. */
declare const WebAssembly: {
  instantiate(binary: Uint8Array, imports: object): Promise<{ instance: { exports: Record<string, unknown> } }>;
};

async function check(): Promise<number> {
  const sql = await diff();
  if (sql === null) return 0;
  console.error(`prisma/schema.prisma and prisma/migrations differ; npm run migration -- <name> would write:\n\n${sql}`);
  return DIFFERENT;
}

async function writeMigration(title: string): Promise<void> {
  const sql = await diff();
  if (sql === null) {
    console.log("nothing to migrate");
    return;
  }
  const stamp = new Date().toISOString().replace(/\D/g, "").slice(0, 14);
  const folder = join(MIGRATIONS_FOLDER, `${stamp}_${title}`);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "migration.sql"), sql);
  writeFileSync(join(MIGRATIONS_FOLDER, LOCK_FILE.path), LOCK_FILE.content);
  console.log(`wrote ${folder}`);
}

/** The SQL that leads from the migrations to the schema; null when they agree. Runs in a database made for it. */
async function diff(): Promise<string | null> {
  const folder = mkdtempSync(join(tmpdir(), "mortar-schema-"));
  chmodSync(folder, 0o755); // root's database has an account of its own, which must be able to enter
  const postgres = await startEmbeddedPostgres({ dir: join(folder, "postgres"), log: pino({ level: "silent" }) });
  try {
    const schema = { path: SCHEMA_FILE, content: readFileSync(SCHEMA_FILE, "utf8") };
    const engine = await openEngine(schema, postgres.url);
    const { exitCode, stdout } = await engine.diff({
      from: readMigrations(),
      to: { tag: "schemaDatamodel", files: [schema] },
      script: true,
      exitCode: true,
      filters: { externalTables: [], externalEnums: [] },
    });
    return exitCode === DIFFERENT ? (stdout ?? "") : null;
  } finally {
    await postgres.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

function readMigrations(): DiffTarget {
  const names = existsSync(MIGRATIONS_FOLDER)
    ? readdirSync(MIGRATIONS_FOLDER, { withFileTypes: true })
        .filter((entry) => entry.isDirectory())
        .map((entry) => entry.name)
        .sort()
    : [];
  if (names.length === 0) return { tag: "empty" };
  return {
    tag: "migrations",
    baseDir: MIGRATIONS_FOLDER,
    lockfile: LOCK_FILE,
    shadowDbInitScript: "",
    migrationDirectories: names.map((path) => ({
      path,
      migrationFile: {
        path: "migration.sql",
        content: { tag: "ok", value: readFileSync(join(MIGRATIONS_FOLDER, path, "migration.sql"), "utf8") },
      },
    })),
  };
}

/** Wires the engine's WebAssembly by hand: Node 20 cannot import it. */
async function openEngine(schema: { path: string; content: string }, url: string): Promise<SchemaEngine> {
  const glue = await import("@prisma/schema-engine-wasm/schema_engine_bg");
  const glueFile = createRequire(import.meta.url).resolve("@prisma/schema-engine-wasm/schema_engine_bg");
  const binary = readFileSync(join(dirname(glueFile), "schema_engine_bg.wasm"));
  const { instance } = await WebAssembly.instantiate(binary, { "./schema_engine_bg.js": { ...glue } });
  glue.__wbg_set_wasm(instance.exports);
  const start = instance.exports.__wbindgen_start;
  if (typeof start === "function") start();
  const adapter = bindMigrationAwareSqlAdapterFactory(createAdapterFactory(url));
  return glue.SchemaEngine.new({ datamodels: [[schema.path, schema.content]] }, () => undefined, adapter);
}

/**
 * `PrismaPg` is not fit for migrations: it cuts scripts at every semicolon, uses the main database as the shadow
 * database when it was given a URL, drops a shadow database before closing it, and cannot read the catalogue's `"char"`.
 */
function createAdapterFactory(url: string): SqlMigrationAwareDriverAdapterFactory {
  const { provider, adapterName } = new PrismaPg(url);
  return { provider, adapterName, connect: () => openAdapter(url), connectToShadowDb };

  async function connectToShadowDb(): Promise<SqlDriverAdapter> {
    const shadow = `shadow_${randomUUID().replaceAll("-", "")}`;
    const admin = new pg.Client(url);
    await admin.connect();
    await admin.query(`create database ${shadow} template template0`);
    const shadowUrl = new URL(url);
    shadowUrl.pathname = `/${shadow}`;
    return await openAdapter(shadowUrl.href, async () => {
      await admin.query(`drop database ${shadow} with (force)`);
      await admin.end();
    });
  }
}

async function openAdapter(url: string, afterwards: () => Promise<void> = async () => undefined): Promise<SqlDriverAdapter> {
  const pool = new pg.Pool({ connectionString: url });
  pool.on("error", () => undefined); // a shadow database is dropped under its idle connections
  const adapter = await new PrismaPg(pool, { disposeExternalPool: true }).connect();
  return {
    provider: adapter.provider,
    adapterName: adapter.adapterName,
    executeRaw: (query) => adapter.executeRaw(query),
    startTransaction: (level) => adapter.startTransaction(level),
    getConnectionInfo: () => adapter.getConnectionInfo(),
    queryRaw: (query) => adapter.queryRaw(query).catch((error: unknown) => queryCatalogue(pool, query, error)),
    executeScript: async (script) => {
      await pool.query(script);
    },
    dispose: async () => {
      await adapter.dispose();
      await afterwards();
    },
  };
}

/** PostgreSQL's type numbers that the catalogue has; everything else in it is text. */
const CATALOGUE_TYPES: Record<number, ColumnType> = {
  16: ColumnTypeEnum.Boolean,
  18: ColumnTypeEnum.Character,
  20: ColumnTypeEnum.Int64,
  21: ColumnTypeEnum.Int32,
  23: ColumnTypeEnum.Int32,
  26: ColumnTypeEnum.Int64,
  1002: ColumnTypeEnum.CharacterArray,
  1003: ColumnTypeEnum.TextArray,
  1009: ColumnTypeEnum.TextArray,
};

/** Repeats a query that the adapter could not read; rethrows any other failure. */
async function queryCatalogue(pool: pg.Pool, query: SqlQuery, error: unknown): Promise<SqlResultSet> {
  if (!isDriverAdapterError(error) || error.cause.kind !== "UnsupportedNativeDataType") throw error;
  const { fields, rows } = await pool.query<unknown[]>({ text: query.sql, values: query.args, rowMode: "array" });
  return {
    columnNames: fields.map((field) => field.name),
    columnTypes: fields.map(({ dataTypeID }) => CATALOGUE_TYPES[dataTypeID] ?? ColumnTypeEnum.Text),
    rows,
  };
}

const [command, name] = process.argv.slice(2);
if (command === "check") process.exitCode = await check();
else if (command === "new" && name !== undefined && /^[a-z0-9_]+$/.test(name)) await writeMigration(name);
else {
  console.error("usage: schema-diff check | new <name>, where a name has lower-case letters, digits and underscores");
  process.exitCode = 1;
}
