import { accessSync, constants, existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Command } from "commander";
import { completeConfig } from "../config/encryption-key.ts";
import { type Config, ConfigError, readConfig } from "../config/env.ts";
import { openSession, type Session } from "../db/session.ts";
import { type StartedDatabase, startDatabase } from "../db/start-database.ts";
import { SEALED_COLUMNS } from "../sealed-secrets/service.ts";
import { createSecretBox } from "../shared/secret-box.ts";
import { examineServer } from "./doctor-database.ts";
import { examineDisk, examinePublicUrl, examineTogether, nearestExisting } from "./doctor-surroundings.ts";
import { type Finding, hint, messageOf, ok, problem } from "./finding.ts";
import { CommandFailure, createCommandLogger } from "./run.ts";

const WAIT_MS = 3_000;

export const doctorCommand = (): Command =>
  new Command("doctor")
    .description(
      "Looks whether the server can run: configuration, data folder, disk, encryption key, database with its version, settings, clock and migrations, and whether PUBLIC_URL leads to it. One line each, with what to do; exit status 1 when something is wrong. Changes nothing.",
    )
    .addHelpText("after", "\nExample:\n  mortar doctor")
    .action(async () => {
      const findings = await examine();
      for (const { what, level, text } of findings) console.log(`${level.padEnd(8)} ${what.padEnd(15)} ${text}`);
      const problems = findings.filter(({ level }) => level === "problem").length;
      if (problems > 0) throw new CommandFailure(`${problems} problem${problems === 1 ? "" : "s"} found`);
    });

async function examine(): Promise<Finding[]> {
  let config: Config;
  try {
    config = readConfig();
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.message.split("\n").map((line) => problem("configuration", line));
  }
  const isNew = config.DATABASE_URL === undefined && !existsSync(join(config.DATA_DIR, "postgres"));
  return [
    ok("configuration", "every variable has a valid value"),
    ...examineTogether(config),
    examineDataFolder(config),
    examineDisk(config),
    ...(isNew
      ? [ok("database", `none in ${config.DATA_DIR} yet; the server makes it at its first start`), examineKey(config)]
      : await examineDatabase(config)),
    await examinePublicUrl(config),
  ];
}

function examineDataFolder({ DATA_DIR }: Config): Finding {
  try {
    accessSync(nearestExisting(DATA_DIR), constants.W_OK | constants.X_OK);
    return ok("data folder", `${DATA_DIR} is writable`);
  } catch (error) {
    return problem("data folder", `${messageOf(error)}: give this user the folder, or set DATA_DIR to another`);
  }
}

/** Without a database nothing is sealed yet, and the key may still be missing. */
function examineKey(config: Config): Finding {
  const file = join(config.DATA_DIR, "encryption.key");
  if (config.ENCRYPTION_KEY !== undefined) return ok("encryption key", "given by ENCRYPTION_KEY");
  if (!existsSync(file)) return ok("encryption key", `none yet; the server makes ${file} at its first start`);
  return tryRead(file)
    ? ok("encryption key", `kept in ${file}`)
    : problem("encryption key", `${file} cannot be read, or is too short`);
}

function tryRead(file: string): boolean {
  try {
    return readFileSync(file, "utf8").trim().length >= 32;
  } catch {
    return false;
  }
}

async function examineDatabase(config: Config): Promise<Finding[]> {
  let database: StartedDatabase;
  try {
    database = await startDatabase({
      config,
      log: createCommandLogger(config),
      migrations: "leave",
      share: true,
      waitMs: WAIT_MS,
    });
  } catch (error) {
    const advice = config.DATABASE_URL === undefined ? "see its log in the data folder" : "check DATABASE_URL and the database";
    return [problem("database", `${messageOf(error)}; ${advice}`), examineKey(config)];
  }
  try {
    const session = await openSession({ url: database.directUrl, name: "doctor" });
    try {
      return [...(await examineServer(session, config)), await examineSealed(session, config)];
    } finally {
      await session.close();
    }
  } finally {
    await database.stop();
  }
}

/** Whether what is stored encrypted can be opened with the keys that the server would use. */
async function examineSealed(session: Session, config: Config): Promise<Finding> {
  const sealed = await findSealed(session);
  const found = examineKey(config);
  if (sealed.length === 0 || found.level === "problem") return found;
  const isThere = config.ENCRYPTION_KEY !== undefined || existsSync(join(config.DATA_DIR, "encryption.key"));
  if (!isThere) return problem("encryption key", "missing, and secrets are stored: bring back encryption.key or ENCRYPTION_KEY");
  const box = createSecretBox(completeConfig(config).ENCRYPTION_KEY, config.ENCRYPTION_KEY_PREVIOUS);
  try {
    for (const secret of sealed) box.open(secret);
  } catch {
    return problem(
      "encryption key",
      "stored secrets cannot be opened with it: set ENCRYPTION_KEY to the one they were stored with, or add that to ENCRYPTION_KEY_PREVIOUS",
    );
  }
  if (sealed.some((secret) => !secret.startsWith(box.prefix)))
    return hint("encryption key", "some secrets are sealed with a former key: run mortar reseal");
  if (config.ENCRYPTION_KEY_PREVIOUS.length > 0)
    return hint(
      "encryption key",
      "every secret is sealed with it: ENCRYPTION_KEY_PREVIOUS only keeps older links and erasures good",
    );
  return found;
}

/** One secret for each key that any was sealed with; none where the tables are not there yet. */
async function findSealed(session: Session): Promise<string[]> {
  const places = await session.query<{ table: string; column: string }>(
    `select table_name as table, column_name as column from information_schema.columns
     where table_schema = current_schema() and (table_name, column_name) in (${SEALED_COLUMNS.map(
       ({ table, column }) => `('${table}', '${column}')`,
     ).join(", ")})`,
  );
  if (places.length === 0) return [];
  const parts = places.map(({ table, column }) => `select "${column}" as sealed from "${table}" where "${column}" is not null`);
  const rows = await session.query<{ sealed: string }>(
    `select distinct on (split_part(sealed, '.', 2)) sealed from (${parts.join(" union all ")}) found`,
  );
  return rows.map(({ sealed }) => sealed);
}
