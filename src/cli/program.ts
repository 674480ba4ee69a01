import { Command } from "commander";
import { apiKeyCommand } from "./api-key.ts";
import { backupCommand, restoreCommand } from "./backup.ts";
import { bootstrapCommand } from "./bootstrap.ts";
import { doctorCommand } from "./doctor.ts";
import { exportCommand } from "./export.ts";
import { identifySecretCommand } from "./identify-secret.ts";
import { importCommand } from "./import.ts";
import { migrateCommand } from "./migrate.ts";
import { openapiCommand } from "./openapi.ts";
import { resealCommand } from "./reseal.ts";
import { shardPlanCommand } from "./shard-plan.ts";
import { webhooksCommand } from "./webhooks.ts";
import { workerCommand } from "./worker.ts";

const HELP = `
The configuration is the server's: DATABASE_URL, or the embedded database in DATA_DIR (default ./data), which may be in
use by a running server. Exit status: 0 done, 1 failed, 2 called wrongly.`;

export function createProgram(): Command {
  const commands = [
    migrateCommand(),
    bootstrapCommand(),
    apiKeyCommand(),
    exportCommand(),
    importCommand(),
    backupCommand(),
    restoreCommand(),
    doctorCommand(),
    shardPlanCommand(),
    openapiCommand(),
    workerCommand(),
    webhooksCommand(),
    identifySecretCommand(),
    resealCommand(),
  ];
  const program = new Command("mortar").description("Administers a Mortar installation.").addHelpText("after", HELP);
  for (const command of commands) program.addCommand(command);
  for (const command of [program, ...commands, ...commands.flatMap((parent) => parent.commands)]) refuseByThrowing(command);
  return program;
}

/** Wrong usage is thrown like every other failure, so that one place decides the exit status. */
function refuseByThrowing(command: Command): void {
  command
    .exitOverride()
    .showHelpAfterError(`(see: mortar ${pathOf(command)}--help)`)
    .showSuggestionAfterError();
}

function pathOf(command: Command): string {
  return command.parent ? `${pathOf(command.parent)}${command.name()} ` : "";
}
