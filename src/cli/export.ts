import { Command } from "commander";
import type { Config } from "../config/env.ts";
import { awaitReplica } from "../db/read-replica.ts";
import { openSession } from "../db/session.ts";
import type { StartedDatabase } from "../db/start-database.ts";
import { type ExportScope, exportLines } from "../transfer/service.ts";
import { createArchiveFile } from "./archive-file.ts";
import { createProgress } from "./progress.ts";
import { UsageError, withDatabase } from "./run.ts";
import { formatTable } from "./table.ts";

const HELP = `
Every line is a JSON object: the first says what the file is, each other one is a row, {"type":"contact","data":{…}}, after
the rows that it refers to. Ids are kept. The same data makes the same bytes. What the types are is in the README.

Left out: API keys and webhooks' secrets, what is under way (jobs, deliveries), the audit log, erasures, and uploaded files.
To move or save a whole installation use mortar backup.

Examples:
  mortar export --environment clx0a1b2c0000 --output production.ndjson
  mortar export --organization clx0a1b2c0001 | gzip > organization.ndjson.gz`;

interface Options {
  environment?: string;
  organization?: string;
  output: string;
}

export const exportCommand = (): Command =>
  new Command("export")
    .description("Writes an environment or an organization as NDJSON, for mortar import or for a program of yours.")
    .option("--environment <id>", "one environment, with the names of its project and organization")
    .option("--organization <id>", "an organization with its users, teams, projects and environments")
    .option("--output <file>", "where to write it, a new file", "-")
    .addHelpText("after", HELP)
    .action(async ({ environment, organization, output }: Options) => {
      const scope = chooseScope(environment, organization);
      await withDatabase("configured", async ({ config, database }) => {
        const file = await createArchiveFile(output);
        const progress = createProgress({ stream: process.stderr });
        try {
          const url = await chooseSource(config, database);
          const counts = await exportLines({ url, scope, write: file.write, onProgress: progress.update });
          await file.keep();
          progress.end();
          const rows = Object.entries(counts).map(([type, count]) => [type, String(count)]);
          console.error(formatTable(["type", "lines"], rows));
        } finally {
          progress.end();
          await file.discard();
        }
      });
    });

/** The read replica, once it has all that was committed when the command was called; else the primary. */
async function chooseSource(
  { DATABASE_REPLICA_URL: url }: Pick<Config, "DATABASE_REPLICA_URL">,
  { directUrl }: StartedDatabase,
): Promise<string> {
  if (url === undefined) return directUrl;
  const primary = await openSession({ url: directUrl, name: "export" });
  try {
    const replica = await awaitReplica({ primary, url });
    if (!("reason" in replica)) return url;
    console.error(`The read replica is not used (${replica.reason}): exporting from the primary.`);
    return directUrl;
  } finally {
    await primary.close();
  }
}

function chooseScope(environmentId: string | undefined, organizationId: string | undefined): ExportScope {
  if (environmentId !== undefined && organizationId === undefined) return { environmentId };
  if (organizationId !== undefined && environmentId === undefined) return { organizationId };
  throw new UsageError("name what to export, with --environment or with --organization");
}
