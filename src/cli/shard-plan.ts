import { Command } from "commander";
import { readTables } from "../db/catalogue.ts";
import { openSession } from "../db/session.ts";
import { formatShardPlan, placeTables } from "../db/shard-plan.ts";
import { CommandFailure, withDatabase } from "./run.ts";

const HELP = `
It reads the database's own catalogue and changes nothing. When to take this step, and which come before it, is in
src/decisions/0049-when-one-database-is-not-enough.md.

Example:
  mortar shard-plan > citus.sql`;

export const shardPlanCommand = (): Command =>
  new Command("shard-plan")
    .description("Prints the statements that distribute the present schema over several servers with Citus, by environment.")
    .addHelpText("after", HELP)
    .action(() =>
      withDatabase("configured", async ({ database }) => {
        const session = await openSession({ url: database.directUrl, name: "shard-plan" });
        try {
          const { placed, homeless } = placeTables(await readTables(session));
          if (homeless.length > 0) throw new CommandFailure(`no rule says where these tables belong: ${homeless.join(", ")}`);
          process.stdout.write(formatShardPlan(placed));
        } finally {
          await session.close();
        }
      }),
    );
