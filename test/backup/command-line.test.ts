/** Back up a server under load, destroy it, restore it, and compare: the command line as an operator runs it. */
import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, describe, expect, it } from "vitest";
import { openSession } from "../../src/db/session.ts";
import { startClients } from "../main/ledger-clients.ts";
import { endServers, startServer } from "../main/server-process.ts";
import { runProcess } from "../support/child-process.ts";
import { createEmptyDatabase } from "../support/empty-database.ts";
import { makeTemporaryFolder } from "../support/temporary-folder.ts";

const folder = makeTemporaryFolder();
afterEach(endServers);
afterAll(folder.remove);

const KEY = "an encryption key for tests only, 0123456789";
const variables = (name: string) => ({ DATA_DIR: join(folder.path, name), ENCRYPTION_KEY: KEY, RATE_LIMIT: "off" });

async function mortar(args: string[], environment: Record<string, string>): Promise<{ status: number | string; output: string }> {
  const child = runProcess("src/cli/main.ts", args, environment);
  const status = await child.exited;
  return { status, output: child.output() };
}

/** `table rows sha256`, of the tables that have rows. */
const tablesIn = (output: string): string[] => output.split("\n").filter((line) => /^\w+ +\d+ +[0-9a-f]{64}$/.test(line));

interface Installation {
  apiKey: string;
  environments: { production: { id: string } };
}

describe("backup, destroy, restore", () => {
  it("brings back an embedded installation and all that it acknowledged, also into a database of DATABASE_URL", async () => {
    const data = variables("data");
    const archive = join(folder.path, "backup.tar");
    const { child, address } = await startServer(data);
    const { apiKey, environments } = JSON.parse(readFileSync(join(data.DATA_DIR, "bootstrap.json"), "utf8")) as Installation;
    const environmentId = environments.production.id;
    const surveyId = await makeSurvey(address, apiKey, environmentId);
    mkdirSync(join(data.DATA_DIR, "uploads", environmentId, "private"), { recursive: true });
    writeFileSync(join(data.DATA_DIR, "uploads", environmentId, "private", "a--fid--1.txt"), "hello");

    const { ledger, finish } = startClients({ addresses: [address], environmentId, surveyId }, 4);
    await expect.poll(() => ledger.responses.length, { timeout: 20_000 }).toBeGreaterThan(20);
    const acknowledged = { users: [...ledger.users], responses: [...ledger.responses] };
    const made = await mortar(["backup", "--output", archive], data);
    expect(made).toMatchObject({ status: 0, output: expect.stringMatching(/^1 uploaded file, 5 bytes$/m) });
    expect((await finish()).unexpected).toEqual([]);
    expect(ledger.users.length).toBeGreaterThan(acknowledged.users.length); // it went on
    expect(await mortar(["restore", archive, "--replace"], data)).toMatchObject({
      ...{ status: 1, output: expect.stringMatching(/^mortar: The database in .* is in use by another server/) },
    });
    expect(await mortar(["backup", "--output", archive], data)).toMatchObject({
      status: 1,
      output: expect.stringContaining("exists already"),
    });

    child.process.kill("SIGTERM");
    await child.exited;
    rmSync(data.DATA_DIR, { recursive: true });
    expect(await mortar(["restore", archive], data)).toMatchObject({ status: 0 });
    const again = await mortar(["backup", "--output", join(folder.path, "again.tar")], data);
    expect(tablesIn(again.output)).toEqual(tablesIn(made.output));
    expect(tablesIn(made.output).length).toBeGreaterThan(8);

    const { address: restored } = await startServer(data);
    const surveys = await fetch(`${restored}/api/v1/management/surveys`, { headers: { "x-api-key": apiKey } });
    expect(await surveys.json()).toMatchObject({ data: [{ id: surveyId }] }); // the keys are those of before
    expect(readFileSync(join(data.DATA_DIR, "uploads", environmentId, "private", "a--fid--1.txt"), "utf8")).toBe("hello");

    const database = await createEmptyDatabase();
    try {
      const external = { ...variables("external"), DATABASE_URL: database.url };
      expect(await mortar(["restore", archive], external)).toMatchObject({ status: 0 });
      const copy = await mortar(["backup", "--output", join(folder.path, "external.tar")], external);
      expect(tablesIn(copy.output)).toEqual(tablesIn(made.output));
      const users = await column(database.url, `select "userId" as value from contacts`);
      expect(acknowledged.users.filter((userId) => !users.has(userId))).toEqual([]);
      const responses = await column(database.url, "select data ->> 'q1' as value from responses");
      expect(acknowledged.responses.filter((mark) => !responses.has(mark))).toEqual([]);
    } finally {
      await database.drop();
    }
  }, 120_000);

  it("tells a whole archive from a damaged one", async () => {
    const whole = join(folder.path, "backup.tar");
    const damaged = join(folder.path, "damaged.tar");
    expect(await mortar(["backup", "--verify", whole], {})).toMatchObject({
      status: 0,
      output: expect.stringContaining("as it was written"),
    });
    copyFileSync(whole, damaged);
    const bytes = readFileSync(damaged);
    bytes[bytes.indexOf("hello")] = 0x48;
    writeFileSync(damaged, bytes);
    const message = "mortar: the archive is damaged: the uploaded files are not as they were written\n";
    expect(await mortar(["backup", "--verify", damaged], {})).toEqual({ status: 1, output: message });
    expect(await mortar(["restore", damaged], variables("nothing"))).toEqual({ status: 1, output: message });
    expect(await mortar(["backup", "--verify", join(folder.path, "none.tar")], {})).toMatchObject({
      status: 1,
      output: expect.stringMatching(/^mortar: cannot read .*ENOENT/),
    });
    expect(await mortar(["backup"], {})).toMatchObject({
      status: 2,
      output: "mortar: name a file, with --output or with --verify\n",
    });
  }, 60_000);
});

async function makeSurvey(address: string, apiKey: string, environmentId: string): Promise<string> {
  const response = await fetch(`${address}/api/v1/management/surveys`, {
    method: "POST",
    headers: { "x-api-key": apiKey, "content-type": "application/json" },
    body: JSON.stringify({
      environmentId,
      name: "Backed up",
      type: "link",
      status: "inProgress",
      questions: [{ id: "q1", type: "openText", headline: { default: "How was it?" }, required: false }],
    }),
  });
  if (response.status !== 200) throw new Error(await response.text());
  const { data } = (await response.json()) as { data: { id: string } };
  return data.id;
}

async function column(url: string, query: string): Promise<Set<string>> {
  const session = await openSession({ url, name: "test" });
  const rows = await session.query<{ value: string }>(query);
  await session.close();
  return new Set(rows.map(({ value }) => value));
}
