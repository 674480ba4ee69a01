import { Command } from "commander";
import { migrate } from "../db/migrate.ts";
import { withDatabase } from "./run.ts";

export const migrateCommand = (): Command =>
  new Command("migrate")
    .description(
      "Applies the migrations that the database lacks. The server does it itself at its start for the embedded database, and for the one of DATABASE_URL only with MIGRATE_ON_START=1.",
    )
    .addHelpText("after", "\nExample:\n  DATABASE_URL=postgresql://mortar@db.example/mortar mortar migrate")
    .action(() =>
      withDatabase("leave", async ({ database, log }) => {
        const applied = await migrate({ url: database.directUrl, log });
        for (const name of applied) console.log(`applied ${name}`);
        if (applied.length === 0) console.log("nothing to apply: the database is up to date");
      }),
    );
