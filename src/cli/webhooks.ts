import { Command, Option } from "commander";
import type { Database } from "../db/database.ts";
import type { Principal } from "../shared/principal.ts";
import {
  DELIVERY_STATUSES,
  type Delivery,
  type DeliveryStatus,
  MAX_OVERLAP_SECONDS,
  type ReplayableStatus,
  WEBHOOK_TRIGGERS,
  type WebhookTrigger,
} from "../webhooks/service.ts";
import { operatorFor } from "./operator.ts";
import { CommandFailure, UsageError, withBackend } from "./run.ts";
import { formatTable } from "./table.ts";

export const webhooksCommand = (): Command =>
  new Command("webhooks")
    .description("Shows what became of webhooks' deliveries, makes them once more, tries webhooks out and changes their secrets.")
    .addHelpText("after", "\nExample:\n  mortar webhooks deliveries cm6orqtcl000319wj9wb7dltl --status failed")
    .addCommand(deliveriesCommand())
    .addCommand(replayCommand())
    .addCommand(testCommand())
    .addCommand(rotateSecretCommand())
    .addCommand(statusCommand())
    .addCommand(enableCommand());

interface DeliveriesOptions {
  status?: DeliveryStatus;
  limit: number;
  environment?: string;
  json?: true;
}

const deliveriesCommand = (): Command =>
  new Command("deliveries")
    .description("Lists a webhook's deliveries, the newest first.")
    .argument("<webhook id>", "the webhook's id")
    .addOption(new Option("--status <status>", "only those that are so").choices(DELIVERY_STATUSES))
    .option("--limit <number>", "how many at most, up to 1000", readLimit, 50)
    .option("--environment <id>", "the webhook's environment, should several have a webhook of that id")
    .option("--json", "print them with all their attempts as JSON")
    .addHelpText("after", "\nExample:\n  mortar webhooks deliveries cm6orqtcl000319wj9wb7dltl --status failed --json")
    .action((webhookId: string, { status, limit, environment, json }: DeliveriesOptions) =>
      withBackend(async ({ db, services }) => {
        const operator = await operatorOf(db, webhookId, environment);
        const page = { limit, skip: 0, sortBy: "createdAt", order: "desc", filterDateField: "createdAt" } as const;
        const { rows, total } = await services.webhookDeliveries.list(operator, webhookId, { ...page, status });
        console.log(json ? JSON.stringify(rows, null, 2) : `${formatDeliveries(rows)}\n${rows.length} of ${total}`);
      }),
    );

const formatDeliveries = (rows: Delivery[]): string =>
  formatTable(
    ["id", "created", "event", "subject", "status", "attempts", "last result", "next attempt"],
    rows.map(({ id, createdAt, event, subjectId, status, attempts, lastStatus, lastError, nextAttemptAt }) => [
      id,
      createdAt.toISOString(),
      event,
      subjectId,
      status,
      String(attempts),
      [lastStatus, lastError].filter((part) => part !== null).join(" "),
      nextAttemptAt?.toISOString() ?? "",
    ]),
  );

interface ReplayOptions {
  from?: Date;
  to?: Date;
  deliveredToo?: true;
  environment?: string;
}

const replayCommand = (): Command =>
  new Command("replay")
    .description("Delivers once more: one delivery, or those of a time that have failed. The worker sends them at once.")
    .argument("<webhook id>", "the webhook's id")
    .argument("[delivery id]", "the delivery's id: the message id that the receiver saw")
    .option("--from <time>", "deliveries made from then on, as 2026-01-31T08:00:00Z", readTime)
    .option("--to <time>", "deliveries made until then; left out: until now", readTime)
    .option("--delivered-too", "not only those that have failed")
    .option("--environment <id>", "the webhook's environment, should several have a webhook of that id")
    .addHelpText("after", "\nExample:\n  mortar webhooks replay cm6orqtcl000319wj9wb7dltl --from 2026-01-31T08:00:00Z")
    .action((webhookId: string, deliveryId: string | undefined, { from, to, deliveredToo, environment }: ReplayOptions) => {
      if ((deliveryId === undefined) === (from === undefined)) throw new UsageError("name a delivery's id or a time with --from");
      return withBackend(async ({ db, services: { webhookDeliveries } }) => {
        const operator = await operatorOf(db, webhookId, environment);
        if (deliveryId !== undefined) await webhookDeliveries.replay(operator, webhookId, deliveryId);
        const statuses: ReplayableStatus[] = deliveredToo ? ["failed", "delivered"] : ["failed"];
        const range = from && { startDate: from, endDate: to ?? new Date(), statuses };
        const replayed = range ? await webhookDeliveries.replayRange(operator, webhookId, range) : 1;
        console.log(`${replayed} ${replayed === 1 ? "delivery" : "deliveries"} will be made again`);
      });
    });

const ENVIRONMENT_OPTION = ["--environment <id>", "the webhook's environment, should several have a webhook of that id"] as const;

const testCommand = (): Command =>
  new Command("test")
    .description("Sends a message that looks like a real one, at once and only once, and tells what came of it.")
    .argument("<webhook id>", "the webhook's id")
    .addOption(new Option("--event <event>", "what it tells of; left out: what the webhook asks for").choices(WEBHOOK_TRIGGERS))
    .option(...ENVIRONMENT_OPTION)
    .addHelpText("after", "\nExample:\n  mortar webhooks test cm6orqtcl000319wj9wb7dltl --event contactCreated")
    .action((webhookId: string, { event, environment }: { event?: WebhookTrigger; environment?: string }) =>
      withBackend(async ({ db, services: { webhookDeliveries } }) => {
        const operator = await operatorOf(db, webhookId, environment);
        const sent = await webhookDeliveries.test(operator, webhookId, event);
        const result = [sent.status, sent.error].filter((part) => part !== null).join(" ");
        const summary = `${sent.event} ${sent.id}: ${result} after ${sent.durationMs} ms`;
        if (!sent.isDelivered) throw new CommandFailure(`it did not arrive. ${summary}`);
        console.log(summary);
      }),
    );

const rotateSecretCommand = (): Command =>
  new Command("rotate-secret")
    .description("Gives a webhook a new secret and prints it, this once. The one before signs beside it for a while.")
    .argument("<webhook id>", "the webhook's id")
    .option("--overlap-seconds <number>", "for how long both sign, up to 30 days", readOverlap, 86_400)
    .option(...ENVIRONMENT_OPTION)
    .addHelpText("after", "\nExample:\n  mortar webhooks rotate-secret cm6orqtcl000319wj9wb7dltl --overlap-seconds 3600")
    .action((webhookId: string, { overlapSeconds, environment }: { overlapSeconds: number; environment?: string }) =>
      withBackend(async ({ db, services: { webhookDeliveries } }) => {
        const operator = await operatorOf(db, webhookId, environment);
        const rotated = await webhookDeliveries.rotateSecret(operator, webhookId, { overlapSeconds });
        const { secret, previousSecretExpiresAt } = rotated;
        if (previousSecretExpiresAt !== null)
          console.error(`the secret before signs beside it until ${previousSecretExpiresAt.toISOString()}`);
        console.log(secret);
      }),
    );

const statusCommand = (): Command =>
  new Command("status")
    .description("Tells how a webhook fares, as JSON.")
    .argument("<webhook id>", "the webhook's id")
    .option(...ENVIRONMENT_OPTION)
    .addHelpText("after", "\nExample:\n  mortar webhooks status cm6orqtcl000319wj9wb7dltl")
    .action((webhookId: string, { environment }: { environment?: string }) =>
      withBackend(async ({ db, services: { webhookDeliveries } }) => {
        const operator = await operatorOf(db, webhookId, environment);
        console.log(JSON.stringify(await webhookDeliveries.status(operator, webhookId), null, 2));
      }),
    );

const enableCommand = (): Command =>
  new Command("enable")
    .description("Switches a webhook on again that was switched off because it had only failed for days.")
    .argument("<webhook id>", "the webhook's id")
    .option(...ENVIRONMENT_OPTION)
    .addHelpText(
      "after",
      "\nExample:\n  mortar webhooks enable cm6orqtcl000319wj9wb7dltl\n\nWhat was given up meanwhile: mortar webhooks replay <webhook id> --from <time>",
    )
    .action((webhookId: string, { environment }: { environment?: string }) =>
      withBackend(async ({ db, services: { webhookDeliveries } }) => {
        const operator = await operatorOf(db, webhookId, environment);
        await webhookDeliveries.enable(operator, webhookId);
        console.log("it is on");
      }),
    );

/** Who works on the machine may do everything with the webhook's environment. */
async function operatorOf(db: Database, webhookId: string, environmentId: string | undefined): Promise<Principal> {
  const webhooks = await db.prisma.webhook.findMany({
    where: { id: webhookId, ...(environmentId !== undefined && { environmentId }) },
    select: { environment: { select: { id: true, project: { select: { organizationId: true } } } } },
  });
  const [webhook] = webhooks;
  const project = webhook?.environment.project;
  if (!webhook || !project) throw new CommandFailure(`there is no webhook ${webhookId}`);
  if (webhooks.length > 1) {
    const ids = webhooks.map(({ environment }) => environment.id).join(", ");
    throw new UsageError(`several environments have this webhook; name one with --environment: ${ids}`);
  }
  return operatorFor({ environmentId: webhook.environment.id, organizationId: project.organizationId });
}

function readLimit(text: string): number {
  const limit = Number(text);
  if (!Number.isInteger(limit) || limit < 1 || limit > 1000) throw new UsageError("--limit takes a number from 1 to 1000");
  return limit;
}

function readOverlap(text: string): number {
  const seconds = Number(text);
  if (!Number.isInteger(seconds) || seconds < 0 || seconds > MAX_OVERLAP_SECONDS)
    throw new UsageError(`--overlap-seconds takes a number from 0 to ${MAX_OVERLAP_SECONDS}`);
  return seconds;
}

function readTime(text: string): Date {
  const time = new Date(text);
  if (Number.isNaN(time.getTime())) throw new UsageError(`${text} is not a time; write it as 2026-01-31T08:00:00Z`);
  return time;
}
