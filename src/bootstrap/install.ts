import { chmodSync, mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Config } from "../config/env.ts";
import type { Database } from "../db/database.ts";
import { isUnavailable } from "../db/errors.ts";
import { newId } from "../shared/ids.ts";
import { StartError } from "../shared/start-error.ts";
import { createBootstrapService, type Installation } from "./service.ts";

/** What {@link ensureInstallation} found or made. */
export interface EnsuredInstallation {
  /** Null when the database was not empty. */
  made: Installation | null;
  /** Where the installation was written when it was made here: `DATA_DIR/bootstrap.json`. */
  file: string;
  /** The oldest production environment. */
  environmentId: string | null;
}

/**
 * Installs into an empty database what the configuration's `BOOTSTRAP_` variables say, and writes it to
 * `DATA_DIR/bootstrap.json` (mode 0600). Does nothing to a database that is not empty.
 */
export async function ensureInstallation({ db, config }: { db: Database; config: Config }): Promise<EnsuredInstallation> {
  const service = createBootstrapService({ db, newId });
  const file = join(config.DATA_DIR, "bootstrap.json");
  const input = {
    organizationName: config.BOOTSTRAP_ORGANIZATION_NAME,
    ownerEmail: config.BOOTSTRAP_OWNER_EMAIL,
    environmentId: config.BOOTSTRAP_ENVIRONMENT_ID,
    apiKey: config.BOOTSTRAP_API_KEY,
  };
  let isWritten = false;
  try {
    const made = await service.install(input, (installation) => {
      writeInstallation(file, installation);
      isWritten = true;
    });
    return { made, file, environmentId: made?.environments.production.id ?? (await service.findEnvironment()) };
  } catch (error) {
    // Of a connection that was lost nobody knows whether it had committed: then the file has the only copy of the key.
    if (isWritten && !isUnavailable(error)) rmSync(file, { force: true });
    throw error;
  }
}

function writeInstallation(file: string, installation: Installation): void {
  try {
    mkdirSync(join(file, ".."), { recursive: true });
    const draft = `${file}.${process.pid}`;
    writeFileSync(draft, `${JSON.stringify(installation, null, 2)}\n`, { mode: 0o600 });
    chmodSync(draft, 0o600);
    renameSync(draft, file);
  } catch (error) {
    throw new StartError(`DATA_DIR: ${error instanceof Error ? error.message : String(error)}`);
  }
}
