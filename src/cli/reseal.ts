import { Command } from "commander";
import { CommandFailure, withBackend } from "./run.ts";

export const resealCommand = (): Command =>
  new Command("reseal")
    .description(
      "Encrypts anew, with the present ENCRYPTION_KEY, every stored secret that a key of ENCRYPTION_KEY_PREVIOUS had encrypted. May run beside a server that has both keys, and may be repeated.",
    )
    .addHelpText("after", "\nExample:\n  ENCRYPTION_KEY=$new ENCRYPTION_KEY_PREVIOUS=$old mortar reseal")
    .action(() =>
      withBackend(async ({ services }) => {
        const { resealed, unreadable } = await services.sealedSecrets.reseal();
        console.log(`${resealed} resealed`);
        if (unreadable > 0)
          throw new CommandFailure(
            `${unreadable} could not be opened: add the key that they were sealed with to ENCRYPTION_KEY_PREVIOUS`,
          );
      }),
    );
