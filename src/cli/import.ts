import { Command } from "commander";
import type { SurveyJudge } from "../import/formbricks/load.ts";
import { databaseSource } from "../import/formbricks/read-database.ts";
import { fileSource } from "../import/formbricks/read-file.ts";
import { formatReport } from "../import/formbricks/report.ts";
import { type ImportProgress, importFormbricks } from "../import/formbricks/service.ts";
import type { Source } from "../import/formbricks/source.ts";
import { newId } from "../shared/ids.ts";
import { createSecretBox } from "../shared/secret-box.ts";
import { surveyProblem } from "../surveys/model/parse.ts";
import { type ImportReport, importLines } from "../transfer/service.ts";
import { readArchiveFile } from "./archive-file.ts";
import { createProgress } from "./progress.ts";
import { UsageError, withDatabase } from "./run.ts";
import { formatTable } from "./table.ts";

export const importCommand = (): Command =>
  new Command("import")
    .description("Brings data into this installation: what mortar export wrote, or what another product has.")
    .argument("<file>", "what mortar export wrote; - is stdin")
    .addHelpText("after", IMPORT_HELP)
    .action(async (file: string) => {
      await withDatabase("configured", async ({ database }) => {
        const progress = createProgress({ stream: process.stderr });
        try {
          const report = await importLines({
            url: database.directUrl,
            source: readArchiveFile(file),
            onProgress: progress.update,
          });
          progress.end();
          console.log(formatImport(report));
        } finally {
          progress.end();
        }
      });
    })
    .addCommand(formbricksCommand());

function formatImport({ read, written }: ImportReport): string {
  const rows = Object.entries(read).map(([type, count]) => {
    const made = written[type] ?? 0;
    return [type, String(count), String(made), String(count - made)];
  });
  return formatTable(["type", "read", "written", "there"], rows);
}

const IMPORT_HELP = `
It keeps all ids, and leaves what is there already under its id as it is, so it can be run again, also beside a running
server. It writes all or nothing. API keys and webhooks' secrets are not in an export: make new ones afterwards, with
mortar api-key create and mortar webhooks rotate-secret. Webhooks that are on are on.

Examples:
  mortar import production.ndjson
  gunzip -c organization.ndjson.gz | mortar import -
  mortar import formbricks --file dump.json`;

const HELP = `
Ids, API keys and timestamps are kept, so that SDKs and scripts need nothing but the new address. Reads databases of
2025 (Project, Environment) and of 2026 (Workspace). Rows that are here already stay as they are, so it can be run
again, also beside a running server. It writes all or nothing, and ends with a table of what came over, and of what
was left and why. The source is not changed.

The file is one JSON object of tables: {"Organization": [{"id": "…", "created_at": "…", "name": "…"}], "User": [ … ]}
A first import into a new installation goes before the server's first start, which would set up an organization of its own.

Examples:
  mortar import formbricks --file dump.json
  mortar import formbricks --database-url postgresql://reader:password@old.example/formbricks`;

const MAX_REFUSAL = 500;

interface FormbricksOptions {
  file?: string;
  databaseUrl?: string;
}

const formbricksCommand = (): Command =>
  new Command("formbricks")
    .description("Imports everything from a Formbricks installation.")
    .option("--file <path>", "a JSON file of its tables, of any size")
    .option("--database-url <url>", "its PostgreSQL database, read in one snapshot; ?schema=name where it is not public")
    .addHelpText("after", HELP)
    .action(async (options: FormbricksOptions) => {
      const source = chooseSource(options);
      await withDatabase("configured", async ({ config, database }) => {
        const progress = createProgress({ stream: process.stderr });
        try {
          const report = await importFormbricks({
            url: database.directUrl,
            source,
            secretBox: createSecretBox(config.ENCRYPTION_KEY, config.ENCRYPTION_KEY_PREVIOUS),
            judgeSurvey,
            onProgress: (step) => progress.update(formatProgress(step)),
          });
          progress.end();
          console.log(formatReport(report));
        } finally {
          progress.end();
        }
      });
    });

/** The rules that a survey broke, cut where nobody reads on. */
export const judgeSurvey: SurveyJudge = (survey, languages) => {
  const problem = surveyProblem(survey, { newId, languages });
  if (problem === undefined) return null;
  const issues = (problem.issues ?? []).map(({ field, issue }) => (field === "" ? issue : `${field}: ${issue}`));
  return (issues.length === 0 ? problem.message : issues.join("; ")).slice(0, MAX_REFUSAL);
};

function chooseSource({ file, databaseUrl }: FormbricksOptions): Source {
  if (file !== undefined && databaseUrl === undefined) return fileSource(file);
  if (databaseUrl !== undefined && file === undefined) {
    if (!URL.canParse(databaseUrl) || !/^postgres(ql)?:$/.test(new URL(databaseUrl).protocol))
      throw new UsageError("--database-url must be a postgresql:// URL");
    return databaseSource(databaseUrl);
  }
  throw new UsageError("name one source, with --file or with --database-url");
}

function formatProgress(progress: ImportProgress): string {
  if (progress.phase === "writing") return `writing ${progress.table}`;
  const { read, total } = progress.bytes;
  const share = total === 0 ? "" : ` (${Math.floor((100 * read) / total)} %)`;
  return `reading ${progress.table}: ${progress.rows} rows${share}`;
}
