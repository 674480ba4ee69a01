import { readFileSync } from "node:fs";
import { pino } from "pino";
import { afterEach, describe, expect, it } from "vitest";
import { readTables } from "../../src/db/catalogue.ts";
import { migrate } from "../../src/db/migrate.ts";
import { openSession, type Session } from "../../src/db/session.ts";
import { LINE_TYPES, NOT_EXPORTED, ROOT_TYPES } from "../../src/transfer/line-types.ts";
import { type ExportScope, exportLines, importLines, TransferError } from "../../src/transfer/service.ts";
import { createEmptyDatabase } from "../support/empty-database.ts";
import { fillTables } from "../support/fill-tables.ts";

interface Installation {
  url: string;
  session: Session;
}

let ends: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of ends.reverse()) await end();
  ends = [];
});

async function makeInstallation(): Promise<Installation> {
  const database = await createEmptyDatabase();
  ends.push(database.drop);
  await migrate({ url: database.url, log: pino({ level: "silent" }) });
  const session = await openSession({ url: database.url, name: "test" });
  ends.push(session.close);
  return { url: database.url, session };
}

async function exportAll({ url }: Installation, scope: ExportScope): Promise<string> {
  const chunks: Buffer[] = [];
  await exportLines({ url, scope, write: async (bytes) => void chunks.push(bytes) });
  return Buffer.concat(chunks).toString();
}

async function* inPieces(text: string): AsyncGenerator<Buffer> {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += 1_000) yield bytes.subarray(at, at + 1_000);
}

const importAll = ({ url }: Installation, text: string) => importLines({ url, source: inPieces(text) });

const typesIn = (text: string): string[] => [
  ...new Set(
    text
      .trimEnd()
      .split("\n")
      .map((line) => (JSON.parse(line) as { type: string }).type),
  ),
];

const ENVIRONMENT: ExportScope = { environmentId: "environments-id-1" };
const ORGANIZATION: ExportScope = { organizationId: "organizations-id-1" };
const TYPES_OF_ENVIRONMENT = [...ROOT_TYPES, ...LINE_TYPES.filter(({ level }) => level === "environment")].map(
  ({ type }) => type,
);

describe("export and import", () => {
  it("have a place for every table", async () => {
    const { session } = await makeInstallation();
    const tables = (await readTables(session)).filter(({ isLogged }) => isLogged).map(({ name }) => name);
    const placed = [...[...ROOT_TYPES, ...LINE_TYPES].map(({ table }) => table), ...Object.keys(NOT_EXPORTED)];
    expect(placed.sort()).toEqual(tables.sort());
  });

  it("are told of in the README, in their order", () => {
    const readme = readFileSync(new URL("../../README.md", import.meta.url), "utf8");
    const [, section = ""] = /^## Export and import$([\s\S]*?)^## /m.exec(readme) ?? [];
    const listed = [...section.matchAll(/^\| (?!of|---).*?\| (.*) \|$/gm)].flatMap(([, types = ""]) => types.split(", "));
    expect(listed).toEqual([...ROOT_TYPES, ...LINE_TYPES].map(({ type }) => `\`${type}\``));
  });

  it.each<[string, ExportScope, string[]]>([
    ["an environment", ENVIRONMENT, TYPES_OF_ENVIRONMENT],
    ["an organization", ORGANIZATION, [...ROOT_TYPES, ...LINE_TYPES].map(({ type }) => type)],
  ])(
    "bring %s into an empty installation, which exports the same bytes, however often it is imported",
    async (_what, scope, types) => {
      const source = await makeInstallation();
      await fillTables(source.session, { count: 4 });
      const text = await exportAll(source, scope);
      expect(typesIn(text)).toEqual(["mortar-export", ...types]);
      expect(text.split("\n").length).toBe(types.length + 2);

      const target = await makeInstallation();
      const first = await importAll(target, text);
      expect(first.written).toEqual(first.read);
      expect(await exportAll(target, scope)).toBe(text);
      const second = await importAll(target, text);
      expect(second).toEqual({ read: first.read, written: Object.fromEntries(types.map((type) => [type, 0])) });
      expect(await exportAll(target, scope)).toBe(text);
    },
  );

  it("keep secrets, and what belongs to others, out of the file", async () => {
    const source = await makeInstallation();
    await fillTables(source.session, { count: 4 });
    await source.session.execute(`update webhooks set secret = 'sealed', "previousSecret" = 'sealed before'`);
    await source.session.execute(`update api_keys set "lookupHash" = 'hashed' || id`);
    const text = await exportAll(source, ENVIRONMENT);
    expect(`${text}${await exportAll(source, ORGANIZATION)}`).not.toMatch(/sealed|hashed/);
    expect(text).not.toMatch(/-id-[023]/);
    expect(text).toContain("12345678901234567890");
  });

  it.each<[string, (text: string) => string, RegExp]>([
    ["is of something else", (text) => text.replace("mortar-export", "other-export"), /^this is no export of Mortar/],
    ["has a later format", (text) => text.replace('"version":1', '"version":2'), /^the export has format 2/],
    ["has a type of a later release", (text) => `${text}{"type":"dream","data":{}}\n`, /^line \d+ is of the type dream/],
    [
      "has a column of a later release",
      (text) => text.replace('"legacyId"', '"colour"'),
      /^line 4 \(environment\) has colour, which this release does not take/,
    ],
    [
      "brings a secret",
      (text) => text.replace(/("type":"webhook","data":\{)/, '$1"secret":"x",'),
      /\(webhook\) has secret, which this release does not take/,
    ],
    [
      "has a row of another's environment",
      (text) => text.replace(/("type":"tag","data":\{"environmentId":)"[^"]+"/, '$1"other"'),
      /^line \d+: the tag belongs to no environment/,
    ],
    ["is cut off within a line", (text) => text.slice(0, -20), /^line \d+ is not valid JSON/],
    ["refers to what is not there", (text) => text.replace(/^\{"type":"survey",.*\n/m, ""), /foreign key constraint/],
    ["is empty", () => "", /^the file is empty/],
  ])("write nothing of a file that %s", async (_what, change, message) => {
    const source = await makeInstallation();
    await fillTables(source.session, { count: 2 });
    const target = await makeInstallation();
    const failure = importAll(target, change(await exportAll(source, ENVIRONMENT)));
    await expect(failure).rejects.toThrow(TransferError);
    await expect(failure).rejects.toThrow(message);
    expect(await target.session.query("select id from organizations")).toEqual([]);
  });

  it("take a line that lacks a column of a later release, with that column's default", async () => {
    const source = await makeInstallation();
    await fillTables(source.session, { count: 2 });
    const target = await makeInstallation();
    const text = (await exportAll(source, ENVIRONMENT)).replace(/,"appSetupCompleted":(true|false)/, "");
    await importAll(target, text);
    expect(await target.session.query(`select "appSetupCompleted" from environments`)).toEqual([{ appSetupCompleted: false }]);
  });

  it("say that there is nothing to export", async () => {
    const source = await makeInstallation();
    await expect(exportAll(source, ENVIRONMENT)).rejects.toThrow("there is no such environment");
    await expect(exportAll(source, ORGANIZATION)).rejects.toThrow("there is no such organization");
  });
});
