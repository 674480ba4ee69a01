import { notifyChange } from "../db/change-feed.ts";
import type { Database, Transaction } from "../db/database.ts";
import { findOwnedRow, readableEnvironments } from "../db/owned-row.ts";
import { type Page, queryPage } from "../db/page.ts";
import { type PermissionLevel, type Principal, requireEnvironment } from "../shared/principal.ts";
import { notFound, refused } from "../shared/problem.ts";
import type { SecretBox } from "../shared/secret-box.ts";
import type { WebhookTrigger } from "./payload.ts";
import { judgeTarget, type TargetRules } from "./target.ts";

export {
  DELIVERY_STATUSES,
  type Delivery,
  type DeliveryStatus,
  MAX_OVERLAP_SECONDS,
  REPLAYABLE_STATUSES,
  type ReplayableStatus,
} from "./delivery-log.ts";
export { OWN_EVENT_BODIES } from "./event-schema.ts";
export type { Outbox, ToldEvent } from "./outbox.ts";
export {
  type ContactSnapshot,
  type DisplaySnapshot,
  WEBHOOK_TRIGGERS,
  type WebhookTrigger,
} from "./payload.ts";

export { WebhookTriggerInput } from "./trigger-input.ts";

export type WebhookService = ReturnType<typeof createWebhookService>;

/** A webhook as it may be shown: everything but the secret. */
export interface Webhook {
  id: string;
  name: string | null;
  createdAt: Date;
  updatedAt: Date;
  url: string;
  /** Who made it: user, zapier, make, n8n; an import may bring others. */
  source: string;
  environmentId: string;
  triggers: string[];
  /** Empty: every survey of the environment. */
  surveyIds: string[];
}

export interface WebhookInput {
  name: string | null;
  url: string;
  source: string;
  triggers: WebhookTrigger[];
  surveyIds: string[];
}

const COLUMNS = `
  t.id, t.name, t."createdAt", t."updatedAt", t.url, t.source, t."environmentId", t.triggers, t."surveyIds"`;

/** Webhooks: who is told of an environment's responses. Source: management-api-v2 §5.12, webhooks §1. */
export function createWebhookService({
  db,
  newId,
  newSecret,
  now,
  secretBox,
  targetRules,
  forgetEnvironment,
}: {
  db: Database;
  newId: () => string;
  /** `whsec_` and base64, as Standard Webhooks has it. */
  newSecret: () => string;
  now: () => number;
  secretBox: SecretBox;
  targetRules: TargetRules;
  /** Drops what this process has cached of the environment. */
  forgetEnvironment: (environmentId: string) => void;
}) {
  return { list, get, create, replace, remove };

  /** Of the environments that the caller may read; with `surveyIds` those that name one of them. */
  async function list(
    caller: Principal,
    { surveyIds, environmentId, ...page }: Page & { surveyIds?: string[] | undefined; environmentId?: string | undefined },
  ): Promise<{ rows: Webhook[]; total: number }> {
    const from = `from webhooks t where t."environmentId" = any($1) and ($2::text[] is null or t."surveyIds" && $2::text[])`;
    const values = [readableEnvironments(caller, environmentId), surveyIds ?? null];
    return await queryPage(db, { columns: COLUMNS, from, values }, page);
  }

  /** Throws `not_found` (webhook), `forbidden`. */
  function get(caller: Principal, id: string): Promise<Webhook> {
    return find(db, caller, id, "read");
  }

  /**
   * Makes a webhook and returns it with its secret, which cannot be had again. Throws `forbidden`; `not_found` (survey)
   * for an unknown or repeated survey; `malformed` (`surveyIds`, `url`) for surveys of another environment and for a
   * URL that leads inside.
   */
  async function create(
    caller: Principal,
    { environmentId, ...input }: WebhookInput & { environmentId: string },
  ): Promise<Webhook & { secret: string }> {
    requireEnvironment(caller, environmentId, "write");
    requireOwnSurveys(await findSurveyEnvironments(caller, input.surveyIds, environmentId), environmentId);
    return await add(environmentId, input);
  }

  async function add(environmentId: string, input: WebhookInput): Promise<Webhook & { secret: string }> {
    await requireOutside(input.url);
    const secret = newSecret();
    const webhook = await write(
      environmentId,
      `insert into webhooks as t ("environmentId", id, "createdAt", "updatedAt", name, url, source, triggers, "surveyIds", secret)
       values ($1, $2, $3, $3, $4, $5, $6, $7, $8, $9) returning ${COLUMNS}`,
      [
        environmentId,
        newId(),
        new Date(now()),
        input.name,
        input.url,
        input.source,
        input.triggers,
        input.surveyIds,
        secretBox.seal(secret),
      ],
    );
    if (!webhook) throw new Error("the insert returned no row");
    return { ...webhook, secret };
  }

  /**
   * Replaces everything but the environment and the secret, and switches the webhook on again when it had been switched
   * off. Throws as {@link create}, and `not_found` (webhook).
   */
  async function replace(caller: Principal, id: string, input: WebhookInput): Promise<Webhook> {
    const surveyEnvironments = await findSurveyEnvironments(caller, input.surveyIds);
    const { environmentId } = await find(db, caller, id, "write");
    requireOwnSurveys(surveyEnvironments, environmentId);
    await requireOutside(input.url);
    const webhook = await write(
      environmentId,
      `update webhooks t set name = $3, url = $4, source = $5, triggers = $6, "surveyIds" = $7, "updatedAt" = $8,
         "failingSince" = case when "disabledAt" is null then "failingSince" end, "disabledAt" = null,
         "dueAt" = case when "disabledAt" is null then "dueAt" else $8 end
       where "environmentId" = $1 and id = $2 returning ${COLUMNS}`,
      [environmentId, id, input.name, input.url, input.source, input.triggers, input.surveyIds, new Date(now())],
    );
    if (!webhook) throw notFound("webhook", id);
    return webhook;
  }

  /** Throws `not_found` (webhook), `forbidden`. */
  async function remove(caller: Principal, id: string): Promise<Webhook> {
    const { environmentId } = await find(db, caller, id, "manage");
    const statement = `delete from webhooks t where "environmentId" = $1 and id = $2 returning ${COLUMNS}`;
    const webhook = await write(environmentId, statement, [environmentId, id]);
    if (!webhook) throw notFound("webhook", id);
    return webhook;
  }

  /** Tells every process which events the environment's webhooks ask for from now on. */
  async function write(environmentId: string, statement: string, values: unknown[]): Promise<Webhook | undefined> {
    const [webhook] = await db.transaction(async (tx) => {
      const rows = await tx.query<Webhook>(statement, values);
      await notifyChange(tx, "environment", environmentId);
      return rows;
    });
    forgetEnvironment(environmentId);
    return webhook;
  }

  /**
   * The environments that the surveys are in, as far as the caller's organization reaches: a survey of another
   * organization does not exist. Of surveys that share an id, the one of `preferred` is meant.
   * Throws `not_found` (survey); `malformed` (`surveyIds`) when they are in several.
   */
  async function findSurveyEnvironments(
    caller: Principal,
    surveyIds: string[],
    preferred: string | null = null,
  ): Promise<string[]> {
    if (surveyIds.length === 0) return [];
    const rows = await db.query<{ environmentId: string }>(
      `select distinct on (s.id) s."environmentId"
       from surveys s join environments e on e.id = s."environmentId" join projects p on p.id = e."projectId"
       where s.id = any($1) and p."organizationId" = $2 order by s.id, s."environmentId" = $3 desc, s."environmentId"`,
      [surveyIds, caller.organizationId, preferred],
    );
    if (rows.length < surveyIds.length) throw notFound("survey", null);
    const environmentIds = [...new Set(rows.map(({ environmentId }) => environmentId))];
    if (environmentIds.length > 1) throw refused("surveyIds", "not all surveys are in the same workspace");
    return environmentIds;
  }

  async function requireOutside(url: string): Promise<void> {
    const verdict = await judgeTarget(url, targetRules);
    if ("issue" in verdict) throw refused("url", verdict.issue);
  }
}

function requireOwnSurveys(surveyEnvironments: string[], environmentId: string): void {
  if (surveyEnvironments.some((id) => id !== environmentId))
    throw refused("surveyIds", "webhook workspace does not match the surveys workspace");
}

const find = (db: Pick<Transaction, "query">, caller: Principal, id: string, level: PermissionLevel): Promise<Webhook> =>
  findOwnedRow(db, caller, { columns: COLUMNS, table: "webhooks", id, resource: "webhook", level });
