import { execFile } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Command } from "commander";
import { pino } from "pino";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createProgram } from "../../src/cli/program.ts";
import { startEmbeddedPostgres } from "../../src/db/embedded-postgres.ts";
import { dump2026 } from "../import/dumps.ts";
import { createDatabase, type TestDatabase } from "../import/target.ts";
import { makeTemporaryFolder } from "../support/temporary-folder.ts";

interface Outcome {
  status: number;
  stdout: string;
  stderr: string;
}

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const folder = makeTemporaryFolder();
let database: TestDatabase;

beforeAll(async () => {
  database = await createDatabase({ migrated: false });
});

afterAll(async () => {
  await database.drop();
  folder.remove();
});

/** Runs the command line as its own process, with these variables and none of the test's own configuration. */
function mortar(args: string[], environment: Record<string, string> = {}): Promise<Outcome> {
  const env = { PATH: process.env.PATH, HOME: process.env.HOME, DATA_DIR: join(folder.path, "data"), ...environment };
  const command = ["--import", "tsx", join(ROOT, "src/cli/main.ts"), ...args];
  return new Promise((resolve) => {
    execFile(process.execPath, command, { cwd: ROOT, env, maxBuffer: 64 * 1024 * 1024 }, (error, stdout, stderr) => {
      resolve({ status: typeof error?.code === "number" ? error.code : 0, stdout, stderr });
    });
  });
}

const onDatabase = (...args: string[]) => mortar(args, { DATABASE_URL: database.url });

/** Every command below one, with its name as it is called. */
function listCommands(parent: Command, path = ""): [string, Command][] {
  return parent.commands.flatMap((command): [string, Command][] => [
    [`${path}${command.name()}`, command],
    ...listCommands(command, `${path}${command.name()} `),
  ]);
}

describe("the command line", () => {
  it("explains itself", async () => {
    const { status, stdout, stderr } = await mortar(["--help"]);
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    for (const command of createProgram().commands) expect(stdout).toMatch(new RegExp(`^ {2}${command.name()} .*[A-Z]`, "m"));
  });

  it.each(listCommands(createProgram()))("explains %s, with an example", (_path, command) => {
    const written: string[] = [];
    command.configureOutput({ writeOut: (text) => void written.push(text) });
    command.outputHelp();
    const help = written.join("");
    expect(help).toMatch(/Examples?:\n {2}.*mortar /);
    expect(command.description()).toMatch(/\w{4}.*\./);
    for (const option of command.options)
      expect([option.long, option.description]).toEqual([option.long, expect.stringMatching(/\w/)]);
  });

  it.each([
    [[], /Usage: mortar/],
    [["migrat"], /unknown command 'migrat'\n\(Did you mean migrate\?\)/],
    [["migrate", "--fast"], /unknown option '--fast'/],
    [["api-key", "create"], /required option '--label <text>' not specified/],
    [["import", "formbricks"], /^mortar: name one source, with --file or with --database-url\n$/],
    [["import", "formbricks", "--file", "x", "--database-url", "postgresql://x/y"], /^mortar: name one source/],
    [["import", "formbricks", "--database-url", "mysql://x/y"], /^mortar: --database-url must be a postgresql:\/\/ URL\n$/],
  ])("answers wrong usage with status 2: %j", async (args, message) => {
    const { status, stderr } = await mortar(args);
    expect(status).toBe(2);
    expect(stderr).toMatch(message);
  });

  it("names the variable that has a wrong value, without a stack", async () => {
    const { status, stderr } = await mortar(["migrate"], { PORT: "many" });
    expect({ status, lines: stderr.split("\n").length }).toEqual({ status: 1, lines: 2 });
    expect(stderr).toMatch(/^mortar: PORT: /);
  });

  it("says in one line that the database cannot be reached", async () => {
    const { status, stderr } = await mortar(["api-key", "list"], { DATABASE_URL: "postgresql://127.0.0.1:1/none" });
    expect(status).toBe(1);
    expect(stderr.trimEnd().split("\n").at(-1)).toMatch(/^mortar: The database at 127.0.0.1:1 could not be reached/);
    expect(stderr).not.toMatch(/^\s+at /m);
  });
});

describe("on an empty database", () => {
  it("migrate, bootstrap, api-key and doctor work one after the other", async () => {
    const unprepared = await onDatabase("doctor");
    expect(unprepared).toMatchObject({ status: 1, stderr: "mortar: 1 problem found\n" });
    expect(unprepared.stdout).toMatch(/^problem +migrations +\d+ not applied, first .*: run mortar migrate$/m);
    expect(await onDatabase("bootstrap")).toMatchObject({
      status: 1,
      stderr: expect.stringMatching(/^mortar: The database lacks/),
    });

    expect(await onDatabase("migrate")).toMatchObject({ status: 0, stdout: expect.stringMatching(/^applied \d+_init\n/) });
    expect(await onDatabase("migrate")).toMatchObject({ status: 0, stdout: "nothing to apply: the database is up to date\n" });
    expect(await onDatabase("api-key", "create", "--label", "x", "--organization-access", "read")).toEqual({
      ...{ status: 1, stdout: "", stderr: "mortar: there is no organization yet; run: mortar bootstrap\n" },
    });

    const made = await onDatabase("bootstrap");
    const installation = JSON.parse(made.stdout) as { apiKey: string; environments: { production: { id: string } } };
    expect(JSON.parse(readFileSync(join(folder.path, "data/bootstrap.json"), "utf8"))).toEqual(installation);
    expect(await onDatabase("bootstrap")).toEqual({
      ...{ status: 0, stdout: "", stderr: "mortar: the database is not empty, nothing was done\n" },
    });

    const { id } = installation.environments.production;
    const created = await onDatabase("api-key", "create", "--label", "export", "--environment", `${id}=read`, "--json");
    const key = JSON.parse(created.stdout) as { id: string; secret: string };
    expect(key).toMatchObject({ label: "export", permissions: { [id]: "read" }, secret: expect.stringMatching(/^fbk_/) });
    const { stdout: list } = await onDatabase("api-key", "list");
    expect(list.split("\n")[0]).toMatch(/^id +label +organization/);
    expect(list).toMatch(new RegExp(`^${key.id} +export .*${id}=read$`, "m"));
    expect(list).not.toContain(key.secret);
    expect(await onDatabase("api-key", "revoke", key.id)).toMatchObject({ status: 0, stdout: `revoked ${key.id}\n` });
    expect(await onDatabase("api-key", "revoke", key.id)).toMatchObject({ status: 1, stderr: "mortar: API key not found\n" });

    expect(await onDatabase("doctor")).toMatchObject({ status: 0, stderr: "" });
  }, 60_000);

  it.each([
    [["--label", "x"], 2, /^mortar: the key could do nothing/],
    [["--label", "x", "--environment", "abc"], 2, /^mortar: --environment abc: write an environment's id/],
    [
      ["--label", "x", "--environment", "abc=read"],
      1,
      /^mortar: The API key names .*; permissions.abc: The organization has no such environment/,
    ],
    [["--label", "x", "--all-environments", "all"], 2, /argument 'all' is invalid. Allowed choices are read, write, manage/],
    [["--label", "x", "--organization", "gone", "--organization-access", "read"], 1, /^mortar: organization not found/],
  ])("refuses a key made with %j", async (args, status, message) => {
    expect(await onDatabase("api-key", "create", ...args)).toMatchObject({ status, stderr: expect.stringMatching(message) });
  });
});

describe("import formbricks on DATA_DIR", () => {
  it("fills a new embedded database, which is not bootstrapped afterwards, also beside a running server", async () => {
    const data = join(folder.path, "embedded");
    const dump = join(folder.path, "dump.json");
    writeFileSync(dump, JSON.stringify(dump2026()));
    const first = await mortar(["import", "formbricks", "--file", dump], { DATA_DIR: data });
    expect(first).toMatchObject({ status: 0, stderr: "" });
    expect(first.stdout).toMatch(/^Organization +1 +1 +0 +0$/m);
    expect(await mortar(["bootstrap"], { DATA_DIR: data })).toMatchObject({
      status: 0,
      stderr: expect.stringContaining("not empty"),
    });
    expect(existsSync(join(data, "bootstrap.json"))).toBe(false);

    const server = await startEmbeddedPostgres({ dir: join(data, "postgres"), log: pino({ level: "silent" }) });
    try {
      const second = await mortar(["import", "formbricks", "--file", dump], { DATA_DIR: data });
      expect(second.stdout).toMatch(/^Organization +1 +0 +1 +0$/m);
      expect(await mortar(["doctor"], { DATA_DIR: data })).toMatchObject({ status: 0 });
    } finally {
      await server.stop();
    }
  }, 60_000);

  it("says where a file is malformed", async () => {
    const dump = join(folder.path, "malformed.json");
    writeFileSync(dump, '{"Organization":\n[{"id":1]}');
    expect(await onDatabase("import", "formbricks", "--file", dump)).toEqual({
      ...{ status: 1, stdout: "" },
      stderr: expect.stringMatching(/^mortar: .*malformed.json, line 2, column 2 \(byte 18\): .*not valid JSON.*\n$/),
    });
  });

  it("says that a file is not there", async () => {
    const { status, stderr } = await onDatabase("import", "formbricks", "--file", "/nowhere/dump.json");
    expect({ status, stderr }).toEqual({
      status: 1,
      stderr: expect.stringMatching(/^mortar: cannot read \/nowhere\/dump.json: ENOENT.*\n$/),
    });
  });
});

describe("doctor", () => {
  it("finds a lost encryption key", async () => {
    await onDatabase("import", "formbricks", "--file", writeDump());
    const { status, stdout } = await mortar(["doctor"], { DATABASE_URL: database.url, ENCRYPTION_KEY: "x".repeat(32) });
    expect(status).toBe(1);
    expect(stdout).toMatch(/^problem +encryption key +stored secrets cannot be opened with it/m);
  });

  it("finds every wrong variable", async () => {
    const { status, stdout, stderr } = await mortar(["doctor"], { PORT: "x", LOG_LEVEL: "loud" });
    expect({ status, stderr }).toEqual({ status: 1, stderr: "mortar: 2 problems found\n" });
    expect(stdout).toMatch(/^problem +configuration +PORT: .*\nproblem +configuration +LOG_LEVEL: /);
  });

  it("makes nothing where nothing is", async () => {
    const data = join(folder.path, "nothing");
    const { status, stdout } = await mortar(["doctor"], { DATA_DIR: data });
    expect(status).toBe(0);
    expect(stdout).toContain("the server makes it at its first start");
    expect(existsSync(data)).toBe(false);
  });

  function writeDump(): string {
    const path = join(folder.path, "doctor.json");
    writeFileSync(path, JSON.stringify(dump2026()));
    return path;
  }
});

describe("openapi", () => {
  it("prints the document, or writes it to a file", async () => {
    const printed = await mortar(["openapi"]);
    expect({ status: printed.status, stderr: printed.stderr }).toEqual({ status: 0, stderr: "" });
    expect(JSON.parse(printed.stdout)).toMatchObject({ openapi: "3.1.0", info: { title: "Mortar" } });
    const output = join(folder.path, "openapi.json");
    expect(await mortar(["openapi", "--output", output])).toEqual({ status: 0, stdout: "", stderr: "" });
    expect(readFileSync(output, "utf8")).toBe(printed.stdout);
    expect(await mortar(["openapi", "--output", join(folder.path, "no/such/folder")])).toMatchObject({ status: 1 });
  });
});

describe("secrets", () => {
  const key = "a new encryption key of 32 characters";
  const formerKey = () => readFileSync(join(folder.path, "data/encryption.key"), "utf8").trim();
  const withKeys = (previous: string, ...args: string[]) =>
    mortar(args, { DATABASE_URL: database.url, ENCRYPTION_KEY: key, ENCRYPTION_KEY_PREVIOUS: previous });

  function environmentId(): string {
    const { environments }: { environments: { production: { id: string } } } = JSON.parse(
      readFileSync(join(folder.path, "data/bootstrap.json"), "utf8"),
    );
    return environments.production.id;
  }

  it("identify-secret switches signing on, follows one secret with another, and switches off", async () => {
    const id = environmentId();
    expect(await onDatabase("identify-secret", "status", id)).toEqual({ status: 0, stdout: "off\n", stderr: "" });
    const one = await onDatabase("identify-secret", "rotate", id);
    expect(one).toMatchObject({ status: 0, stdout: expect.stringMatching(/^[\w-]{43}\n$/) });
    const other = await onDatabase("identify-secret", "rotate", id);
    expect(other.stderr).toContain(`mortar identify-secret drop-previous ${id}`);
    expect(other.stdout).not.toBe(one.stdout);
    expect((await onDatabase("identify-secret", "status", id)).stdout).toBe("on: a secret of its own, and the one before\n");
    expect(await onDatabase("identify-secret", "drop-previous", id)).toMatchObject({ status: 0 });
    expect((await onDatabase("identify-secret", "status", id)).stdout).toBe("on: a secret of its own\n");
    expect(await onDatabase("identify-secret", "rotate", "none")).toMatchObject({
      status: 1,
      stderr: "mortar: environment not found\n",
    });
  }, 60_000);

  it("reseal moves every stored secret to the present encryption key, and doctor knows how far it is", async () => {
    const dump = join(folder.path, "sealed.json");
    writeFileSync(dump, JSON.stringify(dump2026()));
    await onDatabase("import", "formbricks", "--file", dump);

    const lost = await withKeys("", "reseal");
    expect(lost).toMatchObject({
      status: 1,
      stdout: "0 resealed\n",
      stderr: expect.stringMatching(/^mortar: \d+ could not be opened/),
    });

    const before = await withKeys(formerKey(), "doctor");
    expect(before).toMatchObject({ status: 0, stderr: "" });
    expect(before.stdout).toMatch(/^hint +encryption key +some secrets are sealed with a former key: run mortar reseal$/m);
    expect(before.stdout).toMatch(/^ok +clock /m);

    expect(await withKeys(formerKey(), "reseal")).toMatchObject({
      status: 0,
      stdout: expect.stringMatching(/^[1-9]\d* resealed\n$/),
    });
    expect(await withKeys(formerKey(), "reseal")).toMatchObject({ status: 0, stdout: "0 resealed\n" });
    expect((await withKeys("", "doctor")).stdout).toMatch(/^ok +encryption key +given by ENCRYPTION_KEY$/m);
    expect(await onDatabase("doctor")).toMatchObject({ status: 1 }); // with the former key alone
  }, 60_000);
});
