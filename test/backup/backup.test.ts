import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pino } from "pino";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ArchiveError, RestoreRefused, restoreBackup, verifyBackup, writeBackup } from "../../src/backup/service.ts";
import { listMigrations, migrate, migrateWithin, pendingMigrations } from "../../src/db/migrate.ts";
import { openSession, type Session } from "../../src/db/session.ts";
import { buildTenant } from "../support/build.ts";
import { createEmptyDatabase, type EmptyDatabase } from "../support/empty-database.ts";
import { digestTables, fillTables } from "../support/fill-tables.ts";
import { startTestServer } from "../support/server.ts";
import { makeTemporaryFolder, type TemporaryFolder } from "../support/temporary-folder.ts";

const KEY = "an encryption key for tests only, 0123456789";
const AWKWARD = "line\nfeed\t\\N";
const log = pino({ level: "silent" });

interface Installation {
  url: string;
  session: Session;
  uploads: string;
}

let databases: EmptyDatabase[] = [];
let sessions: Session[] = [];
let folder: TemporaryFolder;
let source: Installation;

beforeEach(async () => {
  folder = makeTemporaryFolder();
  source = await makeInstallation("source");
  await migrate({ url: source.url, log });
});

afterEach(async () => {
  await Promise.all(sessions.map((session) => session.close()));
  await Promise.all(databases.map((database) => database.drop()));
  folder.remove();
  sessions = [];
  databases = [];
});

async function makeInstallation(name: string): Promise<Installation> {
  const database = await createEmptyDatabase();
  databases.push(database);
  const session = await openSession({ url: database.url, name: "test" });
  sessions.push(session);
  return { url: database.url, session, uploads: join(folder.path, name) };
}

async function backUp({ url, uploads }: Pick<Installation, "url" | "uploads">) {
  const chunks: Buffer[] = [];
  const manifest = await writeBackup({
    url,
    write: async (bytes) => void chunks.push(Buffer.from(bytes)),
    uploads: { folder: uploads },
    encryptionKey: KEY,
    mortarVersion: "1.2.3",
    now: () => new Date(),
  });
  return { manifest, archive: Buffer.concat(chunks) };
}

async function* inPieces(bytes: Buffer): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += 10_000) yield bytes.subarray(at, at + 10_000);
}

const restore = ({ url, uploads }: Installation, archive: Buffer, options: Partial<Parameters<typeof restoreBackup>[0]> = {}) =>
  restoreBackup({ url, source: inPieces(archive), replace: false, uploads: { folder: uploads }, encryptionKey: KEY, ...options });

function upload({ uploads }: Installation, key: string, content: string): void {
  mkdirSync(join(uploads, key, ".."), { recursive: true });
  writeFileSync(join(uploads, key), content);
}

describe("backup and restore", () => {
  it("bring back every row of every table, and every file, into another database", async () => {
    await fillTables(source.session, { count: 7 });
    upload(source, "env/private/ß--fid--1.txt", "hello");
    upload(source, "env/public/empty.bin", "");
    upload(source, ".incoming/draft", "not uploaded yet");
    const before = await digestTables(source.session);
    expect(Object.entries(before).filter(([, digest]) => digest.startsWith("0 rows"))).toEqual([]);

    const { archive, manifest } = await backUp(source);
    expect(manifest.files).toMatchObject({ count: 2, bytes: 5 });
    expect(await verifyBackup(inPieces(archive))).toMatchObject({ manifest, header: { mortarVersion: "1.2.3" } });
    const target = await makeInstallation("target");
    expect(await restore(target, archive)).toMatchObject({ manifest, migrated: [], replacedFiles: null });

    expect(await digestTables(target.session)).toEqual(before);
    expect(readFileSync(join(target.uploads, "env/private/ß--fid--1.txt"), "utf8")).toBe("hello");
    expect(existsSync(join(target.uploads, "env/public/empty.bin"))).toBe(true);
    expect(existsSync(join(target.uploads, ".incoming"))).toBe(false);
    expect((await backUp(target)).manifest.tables).toEqual(manifest.tables);
    expect(await pendingMigrations(target.session)).toEqual([]);
  });

  it("leave keys, triggers and sequences as they were", async () => {
    await fillTables(source.session, { count: 3 });
    const target = await makeInstallation("target");
    await restore(target, (await backUp(source)).archive);
    const describeSchema = ({ session }: Installation) =>
      session.query(`
        select c.conrelid::regclass::text as "table", c.conname as name, pg_get_constraintdef(c.oid) as definition, c.convalidated::text as state
        from pg_constraint c where c.connamespace = 'public'::regnamespace
        union all
        select t.tgrelid::regclass::text, t.tgname, pg_get_triggerdef(t.oid), t.tgenabled::text from pg_trigger t where not t.tgisinternal
        union all
        select tablename::text, indexname, indexdef, '' from pg_indexes where schemaname = 'public'
        order by 1, 2, 3`);
    expect(await describeSchema(target)).toEqual(await describeSchema(source));
    const insert = `insert into audit_log ("organizationId", "apiKeyId", "requestId", operation, action, "targetType", "targetId")
      values ('o', 'k', 'r', 'op', 'created', 'user', 'u') returning id::int`;
    expect(await target.session.query(insert)).toEqual([{ id: 4 }]);
    await expect(target.session.execute("delete from audit_log")).rejects.toThrow("the audit log is only added to");
  });

  it("take a backup of any earlier release into this one", async () => {
    const names = listMigrations().map(({ name }) => name);
    for (const [i] of names.slice(0, -1).entries()) {
      const old = await makeInstallation(`old-${i}`);
      await old.session.transaction(() => migrateWithin(old.session, (name) => names.indexOf(name) <= i));
      await fillTables(old.session, { count: 2 });
      const counts = Object.entries(await digestTables(old.session)).map(([table, digest]) => [table, digest.split(" ")[0]]);
      const target = await makeInstallation(`new-${i}`);
      const report = await restore(target, (await backUp(old)).archive);
      expect(report.migrated).toEqual(names.slice(i + 1));
      expect(await pendingMigrations(target.session)).toEqual([]);
      const restored = await digestTables(target.session);
      for (const [table = "", count] of counts) expect([table, restored[table]?.split(" ")[0]]).toEqual([table, count]);
    }
  }, 120_000);

  it("hold one moment of a database that is written to, and all that was acknowledged before", async () => {
    const server = await startTestServer({ DATABASE_URL: source.url });
    try {
      const { environmentId } = await buildTenant(server.db);
      const acknowledged: string[] = [];
      let isWriting = true;
      const write = async (client: number) => {
        for (let n = 0; isWriting; n++) {
          const userId = `user-${client}-${n}`;
          const { status } = await server.request
            .post(`/api/v2/client/${environmentId}/user`)
            .send({ userId, attributes: { plan: AWKWARD } });
          if (status === 200) acknowledged.push(userId);
        }
      };
      const clients = Array.from({ length: 6 }, (_, client) => write(client));
      await expect.poll(() => acknowledged.length).toBeGreaterThan(50);
      const before = [...acknowledged];
      const { archive, manifest } = await backUp(source);
      isWriting = false;
      await Promise.all(clients);
      expect(acknowledged.length).toBeGreaterThan(before.length);

      const target = await makeInstallation("target");
      await restore(target, archive);
      const rows = await target.session.query<{ userId: string }>(`select "userId" from contacts`);
      const restored = new Set(rows.map(({ userId }) => userId));
      expect(before.filter((userId) => !restored.has(userId))).toEqual([]);
      expect((await backUp(target)).manifest.tables).toEqual(manifest.tables);
    } finally {
      await server.close();
    }
  }, 60_000);

  it("refuse an archive of which any part was changed, and change nothing then", async () => {
    await fillTables(source.session, { count: 2 });
    upload(source, "env/private/a.txt", "hello");
    const { archive } = await backUp(source);
    const target = await makeInstallation("target");
    const intact = await verifyBackup(inPieces(archive));
    let refused = 0;
    const step = Math.floor(archive.length / 97);
    for (let at = 0; at < archive.length; at += step) {
      const damaged = Buffer.from(archive);
      damaged.writeUInt8(damaged.readUInt8(at) ^ 0x20, at);
      // A byte of a compressed part's own heading says nothing of what is in it.
      const outcome = await verifyBackup(inPieces(damaged)).catch((error: unknown) => error);
      if (!(outcome instanceof ArchiveError)) expect([at, outcome]).toEqual([at, intact]);
      else refused += 1;
    }
    expect(refused).toBeGreaterThan(60);
    for (const at of [
      archive.indexOf("hello"),
      archive.indexOf('"rows": 2') + 8,
      archive.indexOf("createdAt") + 20,
      archive.length - 5,
    ]) {
      const damaged = Buffer.from(archive);
      damaged.writeUInt8(damaged.readUInt8(at) ^ 0x01, at);
      await expect(restore(target, damaged)).rejects.toThrow(ArchiveError);
    }
    await expect(restore(target, archive.subarray(0, archive.length - 2_000))).rejects.toThrow("the archive breaks off");
    expect(await digestTables(target.session)).toEqual({});
    expect(existsSync(target.uploads)).toBe(false);
    expect(await restore(target, archive)).toMatchObject({ migrated: [] });
  }, 60_000);

  it("refuse what would be lost by it, unless told to replace it", async () => {
    await fillTables(source.session, { count: 2 });
    upload(source, "env/private/a.txt", "hello");
    const { archive } = await backUp(source);
    const target = await makeInstallation("target");
    await migrate({ url: target.url, log });
    await fillTables(target.session, { count: 3, prefix: "other-" });
    upload(target, "env/private/b.txt", "other");
    const before = await digestTables(target.session);
    await expect(restore(target, archive)).rejects.toThrow(/^the database is not empty \(\w+ has rows\): restore with --replace/);
    expect(await digestTables(target.session)).toEqual(before);

    const damaged = Buffer.from(archive);
    damaged.writeUInt8(damaged.readUInt8(archive.indexOf("hello")) ^ 1, archive.indexOf("hello"));
    await expect(restore(target, damaged, { replace: true })).rejects.toThrow(ArchiveError);
    expect(await digestTables(target.session)).toEqual(before);
    expect(readFileSync(join(target.uploads, "env/private/b.txt"), "utf8")).toBe("other");

    const { replacedFiles } = await restore(target, archive, { replace: true });
    expect(await digestTables(target.session)).toEqual(await digestTables(source.session));
    expect(existsSync(join(target.uploads, "env/private/b.txt"))).toBe(false);
    expect(readFileSync(join(replacedFiles ?? "", "env/private/b.txt"), "utf8")).toBe("other");
  });

  it.each<[string, (target: Installation) => Promise<unknown>, Partial<Parameters<typeof restoreBackup>[0]>, RegExp]>([
    ["another key", async () => undefined, { encryptionKey: "x".repeat(32) }, /another encryption key/],
    ["no folder for its files", async () => undefined, { uploads: "elsewhere" }, /S3 bucket/],
    [
      "tables of something else",
      ({ session }) => session.execute("create table theirs (i int)"),
      { replace: true },
      /not Mortar's/,
    ],
  ])("refuse a target that has %s", async (_what, prepare, options, message) => {
    upload(source, "env/private/a.txt", "hello");
    const { archive } = await backUp(source);
    const target = await makeInstallation("target");
    await prepare(target);
    await expect(restore(target, archive, options)).rejects.toThrow(RestoreRefused);
    await expect(restore(target, archive, options)).rejects.toThrow(message);
  });

  it("refuse a database that a server uses, and a backup of a newer release", async () => {
    const { archive } = await backUp(source);
    const server = await startTestServer({ DATABASE_URL: source.url });
    await server.request.get("/ready");
    await expect(restore(source, archive, { replace: true })).rejects.toThrow(/^a server is connected/);
    await server.close();
    await source.session.execute(
      `insert into _prisma_migrations (id, checksum, migration_name, finished_at) values ('x', repeat('0', 64), '9_newer', now())`,
    );
    const newer = await backUp(source);
    const target = await makeInstallation("target");
    await expect(restore(target, newer.archive)).rejects.toThrow(/with the migration 9_newer, which this release does not have/);
  });
});
