import { accessSync, constants, existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Command } from "commander";
import { completeConfig } from "../config/encryption-key.ts";
import { type Config, ConfigError, readConfig } from "../config/env.ts";
import { pendingMigrations } from "../db/migrate.ts";
import { openSession, type Session } from "../db/session.ts";
import { type StartedDatabase, startDatabase } from "../db/start-database.ts";
import { createSecretBox } from "../shared/secret-box.ts";
import { CommandFailure, createCommandLogger } from "./run.ts";

/** One thing looked at. A problem says what to do about it. */
interface Finding {
  what: string;
  isProblem: boolean;
  text: string;
}

const WAIT_MS = 3_000;
/** PostgreSQL's `server_version_num`. */
const OLDEST_VERSION = 150_000;

export const doctorCommand = (): Command =>
  new Command("doctor")
    .description(
      "Looks whether the server can run: configuration, data folder, encryption key, database and its version, migrations. One line each; exit status 1 when something is wrong. Changes nothing.",
    )
    .addHelpText("after", "\nExample:\n  mortar doctor")
    .action(async () => {
      const findings = await examine();
      for (const { what, isProblem, text } of findings)
        console.log(`${(isProblem ? "problem" : "ok").padEnd(8)} ${what.padEnd(15)} ${text}`);
      const problems = findings.filter(({ isProblem }) => isProblem).length;
      if (problems > 0) throw new CommandFailure(`${problems} problem${problems === 1 ? "" : "s"} found`);
    });

const ok = (what: string, text: string): Finding => ({ what, isProblem: false, text });
const problem = (what: string, text: string): Finding => ({ what, isProblem: true, text });

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
    examineDataFolder(config),
    ...(isNew
      ? [ok("database", `none in ${config.DATA_DIR} yet; the server makes it at its first start`), examineKey(config)]
      : await examineDatabase(config)),
  ];
}

function examineDataFolder({ DATA_DIR }: Config): Finding {
  try {
    accessSync(existsSync(DATA_DIR) ? DATA_DIR : firstExistingAbove(DATA_DIR), constants.W_OK | constants.X_OK);
    return ok("data folder", `${DATA_DIR} is writable`);
  } catch (error) {
    return problem("data folder", `${messageOf(error)}: give this user the folder, or set DATA_DIR to another`);
  }
}

function firstExistingAbove(folder: string): string {
  const above = join(folder, "..");
  return above === folder || existsSync(above) ? above : firstExistingAbove(above);
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
      return [await examineVersion(session), await examineMigrations(session), await examineSealed(session, config)];
    } finally {
      await session.close();
    }
  } finally {
    await database.stop();
  }
}

async function examineVersion(session: Session): Promise<Finding> {
  const [row] = await session.query<{ number: number; version: string }>(
    "select current_setting('server_version_num')::integer as number, current_setting('server_version') as version",
  );
  const { number = 0, version = "unknown" } = row ?? {};
  return number >= OLDEST_VERSION
    ? ok("database", `PostgreSQL ${version} answers`)
    : problem("database", `PostgreSQL ${version} is too old: use version 15 or newer`);
}

async function examineMigrations(session: Session): Promise<Finding> {
  const pending = await pendingMigrations(session);
  return pending.length === 0
    ? ok("migrations", "all are applied")
    : problem("migrations", `${pending.length} not applied, first ${pending[0]}: run mortar migrate`);
}

/** Whether what is stored encrypted can be opened with the key that the server would use. */
async function examineSealed(session: Session, config: Config): Promise<Finding> {
  const [table] = await session.query<{ exists: boolean }>("select to_regclass('webhooks') is not null as exists");
  const [sealed] = table?.exists
    ? await session.query<{ secret: string }>("select secret from webhooks where secret is not null limit 1")
    : [];
  const found = examineKey(config);
  if (sealed === undefined || found.isProblem) return found;
  try {
    const isThere = config.ENCRYPTION_KEY !== undefined || existsSync(join(config.DATA_DIR, "encryption.key"));
    if (!isThere)
      return problem("encryption key", "missing, and secrets are stored: bring back encryption.key or ENCRYPTION_KEY");
    createSecretBox(completeConfig(config).ENCRYPTION_KEY).open(sealed.secret);
    return found;
  } catch {
    return problem(
      "encryption key",
      "stored secrets cannot be opened with it: set ENCRYPTION_KEY to the one they were stored with",
    );
  }
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
