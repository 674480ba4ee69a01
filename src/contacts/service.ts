import { notifyChange } from "../db/change-feed.ts";
import type { Database, Transaction } from "../db/database.ts";
import { isRetryable, isUnavailable, isUniqueViolation } from "../db/errors.ts";
import type { EnvironmentConfiguration, EnvironmentService } from "../environments/service.ts";
import { matchingSegmentIds } from "../segments/service.ts";
import type { AttributeDataType, AttributeValue } from "../shared/attributes.ts";
import { createBatcher } from "../shared/batcher.ts";
import { unavailable } from "../shared/problem.ts";
import { createTurns } from "../shared/turns.ts";
import {
  type AttributeNote,
  type AttributePlan,
  type AttributeRules,
  planAttributes,
  type SubmittedAttributes,
} from "./attribute-plan.ts";
import {
  HISTORY_BY_SURVEY,
  HISTORY_LIMIT,
  IDENTIFY,
  type IdentifiedRow,
  type IdentifyItem,
  identifyValues,
  type SurveyHistoryRow,
} from "./identify-statement.ts";

export type { AttributeNote, AttributeRules, SubmittedAttributes } from "./attribute-plan.ts";

export interface IdentifyInput {
  environment: EnvironmentConfiguration;
  userId: string;
  attributes: SubmittedAttributes;
  rules: AttributeRules;
  /** Of the request, for segments that ask for it; null when the caller is a server. */
  device: "phone" | "desktop" | null;
}

/** A contact as identify leaves it. Times are milliseconds since the epoch. */
export interface IdentifiedContact {
  id: string;
  userId: string;
  isNew: boolean;
  email: string | null;
  attributes: Record<string, AttributeValue>;
  /** Ids of all segments of the environment that the contact is in. */
  segmentIds: string[];
  /** Newest first. Complete up to 1,000; beyond that the newest 1,000 and the newest one of every other survey. */
  displays: { surveyId: string; createdAt: number }[];
  /** As `displays`. */
  responses: { surveyId: string; createdAt: number; finished: boolean }[];
  /** The e-mail address was left out because another contact has it. */
  emailTaken: boolean;
  notes: AttributeNote[];
}

type Submitted = Pick<IdentifyInput, "userId" | "attributes" | "rules">;

interface IdentifiedWithKeys {
  row: IdentifiedRow;
  notes: AttributeNote[];
  current: EnvironmentConfiguration;
}

/** The same without some of the attributes. */
const without = (keys: readonly string[], { userId, attributes, rules }: Submitted): Submitted => ({
  userId,
  attributes: new Map([...attributes].filter(([key]) => !keys.includes(key))),
  rules,
});

export type ContactService = ReturnType<typeof createContactService>;

/** How often an item is sent again when the contact changes under its hands or two contacts fight for one address. */
const MAX_TRIES = 4;

/** Identifies sent as one statement; more would keep the first of them waiting for the last. */
const MAX_BATCH = 100;

/** Identifies that wait for a connection; at the speed of a slow machine about a second's worth. */
const MAX_WAITING = 5_000;

/** Two calls for one contact as one. Two addresses are not merged: the first must stay when the second is taken. */
function mergeItems(first: IdentifyItem, second: IdentifyItem): IdentifyItem | null {
  if (first.email !== undefined && second.email !== undefined && first.email !== second.email) return null;
  return {
    ...first,
    email: second.email === undefined ? first.email : second.email,
    patch: Object.assign(Object.create(null), first.patch, second.patch),
  };
}

const tooBusy = () => unavailable("The contact is being changed by too many calls at once", 1);

/** Contacts: the persons whom surveys are shown to. */
export function createContactService({
  db,
  environments,
  newId,
  now,
  maxAttributeKeys,
}: {
  db: Database;
  environments: EnvironmentService;
  newId: () => string;
  now: () => number;
  maxAttributeKeys: number;
}) {
  const batcher = createBatcher<IdentifyItem, IdentifiedRow>({
    run: (items) => db.query<IdentifiedRow>(IDENTIFY, identifyValues(items)),
    isOfOneItem: (error) => !isUnavailable(error),
    keyOf: ({ environmentId, userId }) => `${environmentId} ${userId}`,
    merge: mergeItems,
    maxRunning: db.namedConnections,
    maxBatch: MAX_BATCH,
    maxWaiting: MAX_WAITING,
  });
  const inTurn = createTurns();
  return { identify, load: batcher.load };

  /**
   * Ensures that the contact exists, merges its attributes and returns its state. Idempotent; safe however many calls
   * for one contact run at once. One round trip, unless the call brings new attribute keys: then the keys and the
   * contact are written in one transaction.
   */
  async function identify({ environment, userId, attributes, rules, device }: IdentifyInput): Promise<IdentifiedContact> {
    const submitted = { userId, attributes, rules };
    const plan = planFor(environment, submitted);
    const { row, notes, current } =
      plan.newKeys.length === 0
        ? { row: await find(environment.id, userId, plan), notes: plan.notes, current: environment }
        : await identifyWithNewKeys(environment.id, submitted);
    const history = await readHistory(environment.id, row);
    const segmentIds = matchingSegmentIds(current.segments, {
      userId,
      email: row.email,
      attributes: row.attributes,
      ...history,
      device,
      now: now(),
    });
    const { id, isNew, email, attributes: stored, emailTaken } = row;
    return { id, userId, isNew, email, attributes: stored, segmentIds, ...history, emailTaken, notes };
  }

  function planFor({ attributeKeys, languages }: EnvironmentConfiguration, { attributes, rules }: Submitted): AttributePlan {
    return planAttributes(attributes, { attributeKeys, languages, rules });
  }

  /** Sends the item, together with others that arrive now, until it was applied to the contact as it is. */
  async function find(environmentId: string, userId: string, plan: AttributePlan): Promise<IdentifiedRow> {
    const item: IdentifyItem = { environmentId, userId, newId: newId(), email: plan.email, patch: plan.patch };
    for (let tries = 1; tries <= MAX_TRIES; tries++) {
      const row = await batcher.submit(item).catch((error: unknown) => {
        // Two contacts claimed one address at the same moment: the loser finds it taken when it looks again.
        if (isUniqueViolation(error, "email") || isRetryable(error)) return undefined;
        throw error;
      });
      if (row && !row.isStale) return row;
    }
    throw tooBusy();
  }

  /** The same inside a transaction. */
  async function findWithin(tx: Transaction, environmentId: string, userId: string, plan: AttributePlan): Promise<IdentifiedRow> {
    const item: IdentifyItem = { environmentId, userId, newId: newId(), email: plan.email, patch: plan.patch };
    for (let tries = 1; tries <= MAX_TRIES; tries++) {
      const [row] = await tx.query<IdentifiedRow>(IDENTIFY, identifyValues([item]));
      if (row && !row.isStale) return row;
    }
    throw tooBusy();
  }

  /**
   * The rare way: creates what keys the limit allows and identifies, all or nothing. Calls of one environment take turns,
   * so that a burst of them does not queue for connections: most find the keys there when their turn comes.
   */
  async function identifyWithNewKeys(environmentId: string, submitted: Submitted): Promise<IdentifiedWithKeys> {
    const known = await inTurn(environmentId, async () => {
      const current = await environments.configuration(environmentId);
      const plan = planFor(current, submitted);
      if (plan.newKeys.length === 0) return { current, plan };
      if (current.attributeKeys.size < maxAttributeKeys) return await createKeysAndIdentify(current, submitted, plan.newKeys);
      const skipped = plan.newKeys.map(({ key }) => key);
      const rest = planFor(current, without(skipped, submitted));
      return { current, plan: { ...rest, notes: [...creationNotes([], skipped), ...rest.notes] } };
    });
    if ("row" in known) return known;
    return { row: await find(environmentId, submitted.userId, known.plan), notes: known.plan.notes, current: known.current };
  }

  async function createKeysAndIdentify(
    { id: environmentId, languages }: EnvironmentConfiguration,
    submitted: Submitted,
    newKeys: AttributePlan["newKeys"],
  ): Promise<IdentifiedWithKeys> {
    for (let tries = 1; ; tries++) {
      try {
        const outcome = await db.transaction(async (tx) => {
          const { attributeKeys, created, skipped } = await createKeys(tx, environmentId, newKeys);
          // The types may be those of another process that created the same keys a moment before.
          const { attributes, rules } = without(skipped, submitted);
          const plan = planAttributes(attributes, { attributeKeys, languages, rules });
          const row = await findWithin(tx, environmentId, submitted.userId, plan);
          if (created.length > 0) await notifyChange(tx, "environment", environmentId);
          return { row, notes: [...creationNotes(created, skipped), ...plan.notes] };
        });
        environments.forget(environmentId);
        return { ...outcome, current: await environments.configuration(environmentId) };
      } catch (error) {
        if (tries === MAX_TRIES || !isUniqueViolation(error, "email")) throw error;
      }
    }
  }

  function creationNotes(created: AttributePlan["newKeys"], skipped: string[]): AttributeNote[] {
    const notes: AttributeNote[] = created.map(({ key, dataType }) => ({ kind: "key_created", key, dataType }));
    return skipped.length === 0 ? notes : [...notes, { kind: "key_limit_reached", keys: skipped, limit: maxAttributeKeys }];
  }

  /**
   * Creates the keys that the environment does not have, as many as its limit allows, in the order given. Locks the
   * environment's row, so that calls that create keys go one after another and the limit holds.
   */
  async function createKeys(
    tx: Transaction,
    environmentId: string,
    wanted: AttributePlan["newKeys"],
  ): Promise<{ attributeKeys: Map<string, AttributeDataType>; created: AttributePlan["newKeys"]; skipped: string[] }> {
    await tx.query("select 1 from environments where id = $1 for no key update", [environmentId]);
    const rows = await tx.query<{ key: string; dataType: AttributeDataType }>(
      `select key, "dataType" from contact_attribute_keys where "environmentId" = $1`,
      [environmentId],
    );
    const attributeKeys = new Map(rows.map(({ key, dataType }) => [key, dataType]));
    const missing = wanted.filter(({ key }) => !attributeKeys.has(key));
    const created = missing.slice(0, Math.max(0, maxAttributeKeys - attributeKeys.size));
    const skipped = missing.slice(created.length).map(({ key }) => key);
    if (created.length > 0)
      await tx.query(
        `insert into contact_attribute_keys ("environmentId", id, key, name, "dataType", "updatedAt")
         select $1, id, key, name, "dataType"::attribute_data_type, now()
         from unnest($2::text[], $3::text[], $4::text[], $5::text[]) as k(id, key, name, "dataType")`,
        [
          environmentId,
          created.map(() => newId()),
          created.map(({ key }) => key),
          created.map(({ key }) => nameOfKey(key)),
          created.map(({ dataType }) => dataType),
        ],
      );
    for (const { key, dataType } of created) attributeKeys.set(key, dataType);
    return { attributeKeys, created, skipped };
  }

  /** The displays and responses that came with the row; for a contact with very many, the other surveys too. */
  async function readHistory(
    environmentId: string,
    row: IdentifiedRow,
  ): Promise<Pick<IdentifiedContact, "displays" | "responses">> {
    const displays = (row.displays ?? []).map(([surveyId, createdAt]) => ({ surveyId, createdAt }));
    const responses = (row.responses ?? []).map(([surveyId, createdAt, finished]) => ({ surveyId, createdAt, finished }));
    if (displays.length < HISTORY_LIMIT && responses.length < HISTORY_LIMIT) return { displays, responses };
    const seen = new Set(displays.map(({ surveyId }) => surveyId));
    const answered = new Set(responses.map(({ surveyId, finished }) => `${surveyId} ${finished}`));
    for (const { surveyId, display, response, finished } of await db.query<SurveyHistoryRow>(HISTORY_BY_SURVEY, [
      environmentId,
      row.id,
    ])) {
      if (display !== null && !seen.has(surveyId)) displays.push({ surveyId, createdAt: display });
      if (finished !== null && !answered.has(`${surveyId} true`))
        responses.push({ surveyId, createdAt: finished, finished: true });
      if (response !== null && response !== finished && !answered.has(`${surveyId} false`))
        responses.push({ surveyId, createdAt: response, finished: false });
    }
    displays.sort((a, b) => b.createdAt - a.createdAt);
    return { displays, responses };
  }
}

/** `favorite_color` → `Favorite Color`: the display name of a key that was created by a value. */
const nameOfKey = (key: string): string =>
  key
    .split("_")
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join(" ");
