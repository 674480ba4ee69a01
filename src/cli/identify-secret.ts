import { Command } from "commander";
import type { Database } from "../db/database.ts";
import type { Principal } from "../shared/principal.ts";
import { operatorFor } from "./operator.ts";
import { CommandFailure, withBackend } from "./run.ts";

export const identifySecretCommand = (): Command =>
  new Command("identify-secret")
    .description(
      "Switches signed user ids on and off for an environment: with a secret, calls of the client API that name a user need the HMAC of the user id, which only the customer's own server can make.",
    )
    .addHelpText("after", "\nExample:\n  mortar identify-secret rotate cm6orqtcl000319wj9wb7dltl")
    .addCommand(rotateCommand())
    .addCommand(dropPreviousCommand())
    .addCommand(offCommand())
    .addCommand(statusCommand());

const ENVIRONMENT = ["<environment id>", "the environment's id"] as const;

/** Throws {@link CommandFailure} when there is no such environment. */
async function findPlace(
  db: Database,
  id: string,
): Promise<[operator: Principal, organizationId: string, environmentId: string]> {
  const environment = await db.prisma.environment.findUnique({
    where: { id },
    select: { project: { select: { organizationId: true } } },
  });
  const project = environment?.project;
  if (!project) throw new CommandFailure("environment not found");
  const { organizationId } = project;
  return [operatorFor({ environmentId: id, organizationId }), organizationId, id];
}

const rotateCommand = (): Command =>
  new Command("rotate")
    .description(
      "Makes a new secret, prints it this once, and switches signing on. The one before stays good until it is dropped.",
    )
    .argument(...ENVIRONMENT)
    .addHelpText("after", "\nExample:\n  mortar identify-secret rotate cm6orqtcl000319wj9wb7dltl")
    .action((environmentId: string) =>
      withBackend(async ({ services: { identifySecrets }, db }) => {
        const place = await findPlace(db, environmentId);
        const { secret, hasPrevious } = await identifySecrets.rotate(...place);
        console.log(secret);
        console.error("It cannot be shown again. userIdSignature is: printf %s USER_ID | openssl dgst -sha256 -hmac SECRET");
        if (hasPrevious) console.error(`Once every signer has it: mortar identify-secret drop-previous ${environmentId}`);
      }),
    );

const dropPreviousCommand = (): Command =>
  new Command("drop-previous")
    .description("Refuses signatures made with the secret before the present one.")
    .argument(...ENVIRONMENT)
    .addHelpText("after", "\nExample:\n  mortar identify-secret drop-previous cm6orqtcl000319wj9wb7dltl")
    .action((environmentId: string) =>
      withBackend(async ({ services: { identifySecrets }, db }) => {
        const place = await findPlace(db, environmentId);
        await identifySecrets.dropPrevious(...place);
        console.log("only the present secret signs now");
      }),
    );

const offCommand = (): Command =>
  new Command("off")
    .description("Forgets the environment's secrets. Signatures are still asked for where IDENTIFY_SECRET is set.")
    .argument(...ENVIRONMENT)
    .addHelpText("after", "\nExample:\n  mortar identify-secret off cm6orqtcl000319wj9wb7dltl")
    .action((environmentId: string) =>
      withBackend(async ({ services: { identifySecrets }, db }) => {
        const place = await findPlace(db, environmentId);
        const { isRequired } = await identifySecrets.switchOff(...place);
        console.log(isRequired ? "IDENTIFY_SECRET applies" : "user ids need no signature");
      }),
    );

const statusCommand = (): Command =>
  new Command("status")
    .description("Tells whether user ids of the environment have to be signed.")
    .argument(...ENVIRONMENT)
    .addHelpText("after", "\nExample:\n  mortar identify-secret status cm6orqtcl000319wj9wb7dltl")
    .action((environmentId: string) =>
      withBackend(async ({ services: { identifySecrets }, db }) => {
        const place = await findPlace(db, environmentId);
        const { isSet, hasPrevious, isRequired } = await identifySecrets.status(...place);
        if (isSet) console.log(`on: a secret of its own${hasPrevious ? ", and the one before" : ""}`);
        else console.log(isRequired ? "on: IDENTIFY_SECRET" : "off");
      }),
    );
