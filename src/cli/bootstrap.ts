import { Command } from "commander";
import { ensureInstallation } from "../bootstrap/install.ts";
import { withBackend } from "./run.ts";

export const bootstrapCommand = (): Command =>
  new Command("bootstrap")
    .description(
      "Gives an empty database an organization with its owner, a project with a production and a development environment, and an API key that may do everything; the server does the same at its first start. Prints what was made, and writes it to DATA_DIR/bootstrap.json. Does nothing to a database that is not empty. BOOTSTRAP_API_KEY, BOOTSTRAP_ENVIRONMENT_ID, BOOTSTRAP_ORGANIZATION_NAME and BOOTSTRAP_OWNER_EMAIL fix what is made.",
    )
    .addHelpText("after", "\nExample:\n  BOOTSTRAP_ORGANIZATION_NAME='Example Ltd' mortar bootstrap")
    .action(() =>
      withBackend(async ({ db }, { config }) => {
        const { made, file } = await ensureInstallation({ db, config });
        if (made === null) console.error("mortar: the database is not empty, nothing was done");
        else {
          console.log(JSON.stringify(made, null, 2));
          console.error(`mortar: written to ${file}; the API key cannot be shown again`);
        }
      }),
    );
