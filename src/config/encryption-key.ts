import { randomBytes } from "node:crypto";
import { linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { StartError } from "../shared/start-error.ts";
import type { CompleteConfig, Config } from "./env.ts";

/**
 * Adds the encryption key: `ENCRYPTION_KEY`, or the one in `DATA_DIR/encryption.key`, which is made (mode 0600) when it
 * is missing. Throws {@link StartError} when the file can be neither read nor written.
 */
export function completeConfig(config: Config): CompleteConfig {
  return Object.freeze({ ...config, ENCRYPTION_KEY: config.ENCRYPTION_KEY ?? keepKey(config.DATA_DIR) });
}

function keepKey(folder: string): string {
  const file = join(folder, "encryption.key");
  try {
    return readKey(file) ?? makeKey(folder, file);
  } catch (error) {
    throw new StartError(`DATA_DIR: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function readKey(file: string): string | null {
  try {
    const key = readFileSync(file, "utf8").trim();
    if (key.length < 32) throw new Error(`${file} has no key of at least 32 characters`);
    return key;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return null;
    throw error;
  }
}

/** Of several processes that make one at once, the first wins and all use its key. */
function makeKey(folder: string, file: string): string {
  mkdirSync(folder, { recursive: true });
  const draft = `${file}.${process.pid}`;
  writeFileSync(draft, `${randomBytes(32).toString("base64url")}\n`, { mode: 0o600 });
  try {
    linkSync(draft, file);
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
  } finally {
    rmSync(draft, { force: true });
  }
  return readKey(file) ?? "";
}
