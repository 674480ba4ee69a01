import type { CompanyInput, CompanyService } from "../companies/service.ts";
import { notifyChange } from "../db/change-feed.ts";
import type { Database, Transaction } from "../db/database.ts";
import { isMissingRow, isRetryable, isUnavailable, isUniqueViolation } from "../db/errors.ts";
import type { EnvironmentConfiguration, EnvironmentService } from "../environments/service.ts";
import { eventRanges, matchingSegmentIds, type SegmentFacts, type SegmentSubject } from "../segments/service.ts";
import { nameOfAttributeKey } from "../shared/attribute-key-name.ts";
import type { AttributeDataType, AttributeValue } from "../shared/attributes.ts";
import { createBatcher } from "../shared/batcher.ts";
import { unavailable } from "../shared/problem.ts";
import { createTurns } from "../shared/turns.ts";
import { IDENTIFY_ADDRESS } from "./address-statement.ts";
import { findSurvivors } from "./aliases.ts";
import {
  type AttributeNote,
  type AttributePlan,
  type AttributeRules,
  planAttributes,
  type SubmittedAttributes,
} from "./attribute-plan.ts";
import type { ContactWatch } from "./contact-watch.ts";
import { countEvents } from "./event-counts.ts";
import { CREATE_FROM_HISTORY, type HistoryItem, historyValues, MERGE_HISTORY } from "./history-statement.ts";
import { identifyItems } from "./identify-items.ts";
import {
  HISTORY_BY_SURVEY,
  HISTORY_LIMIT,
  type IdentifiedRow,
  type IdentifyItem,
  type SurveyHistoryRow,
} from "./identify-statement.ts";
import { createWatchedIdentify, type SubmittedItem } from "./watched-identify.ts";

export type { AttributeNote, AttributeRules, SubmittedAttributes } from "./attribute-plan.ts";
export { VERBATIM_RULES } from "./attribute-plan.ts";
export { type ContactWatch, createContactWatch } from "./contact-watch.ts";
export { createTypeConflicts, type TypeConflicts } from "./type-conflicts.ts";

export interface IdentifyInput {
  environment: EnvironmentConfiguration;
  userId: string;
  attributes: SubmittedAttributes;
  rules: AttributeRules;
  /** Of the request, for segments that ask for it; null when the caller is a server. */
  device: "phone" | "desktop" | null;
  /** The company that the contact belongs to from now on, made if need be; absent leaves the contact where it is. */
  company?: CompanyInput | undefined;
}

/** A contact as identify leaves it. Times are milliseconds since the epoch. */
export interface IdentifiedContact {
  id: string;
  userId: string;
  isNew: boolean;
  email: string | null;
  attributes: Record<string, AttributeValue>;
  /** Our id of its company. */
  companyId: string | null;
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

/** One person of a list to identify. */
export type BulkContact = Pick<IdentifyInput, "userId" | "attributes" | "company">;

/** A person known by an e-mail address alone; an attribute `email` is ignored. */
export interface AddressContact {
  email: string;
  attributes: SubmittedAttributes;
}

/** What was known of a person at some time in the past. */
export interface HistoricContact extends BulkContact {
  /** When, in milliseconds since the epoch. */
  at: number;
  /** When the person was first and last seen, where it is told; else it is taken to be `at`. */
  firstSeenAt?: number | undefined;
  lastSeenAt?: number | undefined;
}

/** A contact as it is read by one of its ids. */
export interface StoredContact {
  id: string;
  userId: string | null;
  email: string | null;
  /** Our second id of the contact, a UUID. */
  visitorId: string;
  companyId: string | null;
  attributes: Record<string, AttributeValue>;
  createdAt: Date;
  firstSeenAt: Date;
  lastSeenAt: Date;
}

/** Which contact is meant. */
export type ContactReference = { id: string } | { userId: string } | { email: string } | { visitorId: string };

/** Attributes as stored: userId and email are not among them. */
export type FoundContact = Pick<IdentifiedContact, "id" | "email" | "attributes">;

const FIND_BY_USER_ID = {
  name: "contact_by_user_id",
  text: `
select c.id, c.email, c.attributes from contact_aliases a
join contacts c on c."environmentId" = a."environmentId" and c.id = a."contactId"
where a."environmentId" = $1 and a."userId" = $2
union all
select id, email, attributes from contacts where "environmentId" = $1 and "userId" = $2
limit 1`,
};

type Submitted = Pick<IdentifyInput, "userId" | "attributes" | "rules" | "company" | "device">;

interface IdentifiedWithKeys {
  row: IdentifiedRow;
  notes: AttributeNote[];
  current: EnvironmentConfiguration;
}

/** The same without some of the attributes. */
const without = (keys: readonly string[], submitted: Submitted): Submitted => ({
  ...submitted,
  attributes: new Map([...submitted.attributes].filter(([key]) => !keys.includes(key))),
});

export type ContactService = ReturnType<typeof createContactService>;

/** How often an item is sent again when the contact changes under its hands or two contacts fight for one address. */
const MAX_TRIES = 4;

/** Identifies sent as one statement; more would keep the first of them waiting for the last. */
const MAX_BATCH = 100;

/** Identifies that wait for a connection; at the speed of a slow machine about a second's worth. */
const MAX_WAITING = 5_000;

/** Two calls for one contact as one. Two addresses are not merged: the first must stay when the second is taken. */
function mergeItems<Item extends IdentifyItem>(first: Item, second: Item): Item | null {
  if (first.email !== undefined && second.email !== undefined && first.email !== second.email) return null;
  return {
    ...first,
    email: second.email === undefined ? first.email : second.email,
    companyId: second.companyId ?? first.companyId,
    eventQueries: second.eventQueries,
    patch: Object.assign(Object.create(null), first.patch, second.patch),
  };
}

const tooBusy = () => unavailable("The contact is being changed by too many calls at once", 1);

/** Contacts: the persons whom surveys are shown to. */
export function createContactService({
  db,
  companies,
  environments,
  watch,
  newId,
  now,
  maxAttributeKeys,
}: {
  db: Database;
  companies: CompanyService;
  environments: EnvironmentService;
  watch: ContactWatch;
  newId: () => string;
  now: () => number;
  maxAttributeKeys: number;
}) {
  const sources = { newId, now };
  const batcher = createBatcher<SubmittedItem, IdentifiedRow | null>({
    run: createWatchedIdentify({ db, watch, sources }),
    isOfOneItem: (error) => !isUnavailable(error),
    keyOf: ({ environmentId, userId }) => `${environmentId} ${userId}`,
    merge: mergeItems,
    maxRunning: db.namedConnections,
    maxBatch: MAX_BATCH,
    maxWaiting: MAX_WAITING,
  });
  const inTurn = createTurns();
  return {
    findByUserId,
    identify,
    identifyByEmail,
    identifyMany,
    identifyManyByEmail,
    mergeHistory,
    fillNames,
    find,
    findVisitorIds,
    createKeys,
    load: batcher.load,
  };

  /** The contact as it is; null when the environment has none of this user id. */
  async function findByUserId(environmentId: string, userId: string): Promise<FoundContact | null> {
    const [row] = await db.query<FoundContact>(FIND_BY_USER_ID, [environmentId, userId]);
    return row ?? null;
  }

  /**
   * Ensures that the contact exists, merges its attributes and returns its state. Idempotent; safe however many calls
   * for one contact run at once. One round trip, one more when there is a company, unless the call brings new attribute
   * keys: then the keys and the contact are written in one transaction.
   */
  function identify(input: IdentifyInput): Promise<IdentifiedContact> {
    return input.environment.hasAliases ? identifySurvivor(input) : identifyOne(input);
  }

  /** Where contacts were merged: by the user id of the contact that took over this one, which the answer goes on naming. */
  async function identifySurvivor(input: IdentifyInput): Promise<IdentifiedContact> {
    const [followed = input] = await followAliases(db, input.environment.id, [input]);
    return { ...(await identifyOne(followed)), userId: input.userId };
  }

  /**
   * The same contacts by the user ids of those that they were merged into, where they were. Looks itself: what is cached of
   * the environment may be of the moment before.
   */
  async function followAliases<Contact extends { userId: string }>(
    queries: Pick<Transaction, "query">,
    environmentId: string,
    given: readonly Contact[],
  ): Promise<readonly Contact[]> {
    const userIds = given.map(({ userId }) => userId);
    const survivors = await findSurvivors(queries, environmentId, userIds);
    if (survivors.size === 0) return given;
    return given.map((contact) => ({ ...contact, userId: survivors.get(contact.userId) ?? contact.userId }));
  }

  function identifyOne(input: IdentifyInput): Promise<IdentifiedContact> {
    const { environment } = input;
    const plan = planFor(environment, input);
    if (plan.newKeys.length === 0)
      return apply(environment, input, plan).then((row) => describe(input, { row, notes: plan.notes, current: environment }));
    return identifyWithNewKeys(environment.id, input).then((outcome) => describe(input, outcome));
  }

  /** Without a promise unless more has to be read: this is the way of every call. */
  function describe(input: IdentifyInput, outcome: IdentifiedWithKeys): IdentifiedContact | Promise<IdentifiedContact> {
    const history = historyOf(outcome.row);
    return outcome.current.facts || isCutOff(history)
      ? describeAtLength(input, outcome, history)
      : withSegments(input, outcome, history);
  }

  async function describeAtLength(input: IdentifyInput, outcome: IdentifiedWithKeys, read: History): Promise<IdentifiedContact> {
    const { row, current } = outcome;
    const history = isCutOff(read) ? await completeHistory(current.id, row.id, read) : read;
    return withSegments(input, outcome, history, current.facts ? await readFacts(current, row) : undefined);
  }

  function withSegments(
    { userId, device }: IdentifyInput,
    { row, notes, current }: IdentifiedWithKeys,
    { displays, responses }: History,
    facts?: ReadFacts,
  ): IdentifiedContact {
    const { id, isNew, email, attributes, companyId, emailTaken } = row;
    const subject = { userId: row.userId ?? userId, email, attributes, displays, responses, device, now: now() };
    const segmentIds = matchingSegmentIds(current.segments, facts ? { ...subject, ...facts } : subject);
    return { id, userId, isNew, email, attributes, companyId, segmentIds, displays, responses, emailTaken, notes };
  }

  function planFor({ attributeKeys, languages }: EnvironmentConfiguration, { attributes, rules }: Submitted): AttributePlan {
    return planAttributes(attributes, { attributeKeys, languages, rules });
  }

  function toItem(
    environment: EnvironmentConfiguration,
    userId: string,
    plan: AttributePlan,
    companyId: string | null,
  ): IdentifyItem {
    const { email, patch } = plan;
    const eventQueries = environment.facts && eventRanges(environment.facts, now());
    return { environmentId: environment.id, userId, email, patch, companyId, eventQueries };
  }

  /** Sends the contact, together with others that arrive now, until it was written as it is. */
  function apply(environment: EnvironmentConfiguration, submitted: Submitted, plan: AttributePlan): Promise<IdentifiedRow> {
    if (submitted.company) return applyRepeatedly(environment, submitted, plan, MAX_TRIES);
    return submit(environment, submitted, plan, null).then(
      (row) => row ?? applyRepeatedly(environment, submitted, plan, MAX_TRIES - 1),
    );
  }

  /**
   * What to send again of an item that was not written. If it was because the contact was merged, what is cached of the
   * environment is older than the merge: the change feed has not told of it, or cannot.
   */
  async function followRefused(environment: EnvironmentConfiguration, submitted: Submitted): Promise<Submitted> {
    const [followed = submitted] = await followAliases(db, environment.id, [submitted]);
    if (followed !== submitted) environments.forget(environment.id);
    return followed;
  }

  async function applyRepeatedly(
    environment: EnvironmentConfiguration,
    submitted: Submitted,
    plan: AttributePlan,
    tries: number,
  ): Promise<IdentifiedRow> {
    let followed = submitted;
    for (let left = tries; left > 0; left--) {
      const { company } = followed;
      const companyId = company ? (await companies.identify(environment.id, company)).id : null;
      const row = await submit(environment, followed, plan, companyId);
      if (row !== null) return followed === submitted ? row : { ...row, userId: followed.userId };
      followed = await followRefused(environment, followed);
    }
    throw tooBusy();
  }

  /** Resolves to null when the item has to be sent again. */
  function submit(
    environment: EnvironmentConfiguration,
    { userId, device }: Submitted,
    plan: AttributePlan,
    companyId: string | null,
  ): Promise<IdentifiedRow | null> {
    const { email, patch } = plan;
    const eventQueries = environment.facts && eventRanges(environment.facts, now());
    const watched = watch.watches(environment) ? { environment, device } : null;
    const item = { environmentId: environment.id, userId, email, patch, companyId, eventQueries, watched };
    return batcher.submit(item).catch((error: unknown) => {
      // Two contacts claimed one address at the same moment: the loser finds it taken when it looks again. Or the
      // company was deleted meanwhile: it is made anew.
      const isOvertaken = isUniqueViolation(error, "email") || isRetryable(error) || (companyId !== null && isMissingRow(error));
      if (!isOvertaken) throw error;
      return null;
    });
  }

  /**
   * Identifies many contacts inside a transaction, which it makes fail when two contacts of the list, or of the list and
   * of another call, claim one address. Several entries for one contact are merged, later over earlier. Writes the
   * contacts in the order of their user ids, so that transactions that do likewise do not deadlock. Returns notes by
   * position; whoever begins the transaction has the contacts watched, and whoever commits calls `environments.forget` when `keysCreated`.
   */
  async function identifyMany(
    tx: Transaction,
    environment: EnvironmentConfiguration,
    given: readonly BulkContact[],
    rules: AttributeRules,
  ): Promise<{ notes: AttributeNote[][]; keysCreated: boolean }> {
    const contacts = await followAliases(tx, environment.id, given);
    const { plans, notes, keysCreated } = await planMany(tx, environment, contacts, rules);
    const inputs = contacts.flatMap(({ company }) => (company ? [company] : []));
    const companyIds = await companies.identifyWithin(tx, environment.id, inputs);
    const items = new Map<string, IdentifyItem>();
    for (const [at, { userId, company }] of contacts.entries()) {
      const plan = plans[at];
      if (!plan) continue;
      const item = toItem(environment, userId, plan, company ? (companyIds.get(company.companyId) ?? null) : null);
      const earlier = items.get(userId);
      const { email = earlier?.email } = item; // the later address counts
      items.set(userId, (earlier && mergeItems({ ...earlier, email }, item)) ?? item);
    }
    let waiting = [...items.values()].sort((a, b) => (a.userId < b.userId ? -1 : 1));
    for (let tries = 1; waiting.length > 0; tries++) {
      if (tries > MAX_TRIES) throw tooBusy();
      const rows = await identifyItems(tx, waiting, sources);
      waiting = waiting.filter((_, at) => rows[at] === null);
    }
    return { notes, keysCreated };
  }

  /**
   * As {@link identify}, for a person of whom only the e-mail address is told: the contact that has it, or a new one
   * without user id.
   */
  async function identifyByEmail(
    environment: EnvironmentConfiguration,
    contact: AddressContact,
    rules: AttributeRules,
  ): Promise<StoredContact> {
    const { contacts, keysCreated } = await db.transaction((tx) =>
      watch.around(tx, environment, { emails: [contact.email] }, () => identifyManyByEmail(tx, environment, [contact], rules)),
    );
    if (keysCreated) environments.forget(environment.id);
    const [stored] = contacts;
    if (!stored) throw tooBusy();
    return stored;
  }

  /** As {@link identifyMany}, for persons of whom only the e-mail addresses are told, in the order of the addresses. */
  async function identifyManyByEmail(
    tx: Transaction,
    environment: EnvironmentConfiguration,
    given: readonly AddressContact[],
    rules: AttributeRules,
  ): Promise<{ contacts: StoredContact[]; keysCreated: boolean }> {
    const people = given.map(({ email, attributes }) => ({
      userId: "",
      email,
      attributes: new Map([...attributes].filter(([key]) => key !== "email")),
    }));
    const { plans, keysCreated } = await planMany(tx, environment, people, rules);
    const planned = people.map(({ email }, at) => ({ email, patch: plans[at]?.patch ?? {} }));
    const contacts: StoredContact[] = [];
    for (const { email, patch } of planned.sort((a, b) => (a.email < b.email ? -1 : a.email > b.email ? 1 : 0)))
      contacts.push(
        ...(await tx.query<StoredContact>(IDENTIFY_ADDRESS, [environment.id, newId(), email, JSON.stringify(patch)])),
      );
    return { contacts, keysCreated };
  }

  /**
   * As {@link identifyMany}, for what was known in the past, in any order: no value replaces one that was set later.
   * A live change counts as set when it was made.
   */
  async function mergeHistory(
    tx: Transaction,
    environment: EnvironmentConfiguration,
    given: readonly HistoricContact[],
    rules: AttributeRules,
  ): Promise<{ notes: AttributeNote[][]; keysCreated: boolean }> {
    const contacts = await followAliases(tx, environment.id, given);
    const { plans, notes, keysCreated } = await planMany(tx, environment, contacts, rules);
    const inputs = contacts.flatMap(({ company, at }) => (company ? [{ ...company, at }] : []));
    const companyIds = await companies.mergeHistory(tx, environment.id, inputs);
    const items = new Map<string, HistoryItem>();
    for (const [at, contact] of contacts.entries()) {
      const plan = plans[at];
      if (!plan) continue;
      const item = items.get(contact.userId) ?? emptyHistory(contact, newId());
      addToHistory(item, contact, plan, contact.company && companyIds.get(contact.company.companyId));
      items.set(contact.userId, item);
    }
    let waiting = [...items.values()].sort((a, b) => (a.userId < b.userId ? -1 : 1));
    for (let tries = 1; waiting.length > 0; tries++) {
      if (tries > MAX_TRIES) throw tooBusy();
      for (const statement of [MERGE_HISTORY, CREATE_FROM_HISTORY]) {
        if (waiting.length === 0) break;
        const rows = await tx.query<{ userId: string }>(statement, historyValues(environment.id, waiting));
        const done = new Set(rows.map(({ userId }) => userId));
        waiting = waiting.filter(({ userId }) => !done.has(userId));
      }
    }
    return { notes, keysCreated };
  }

  /** A plan per contact, after the keys that all of them need were created. */
  async function planMany(
    tx: Transaction,
    environment: EnvironmentConfiguration,
    contacts: readonly BulkContact[],
    rules: AttributeRules,
  ): Promise<{ plans: AttributePlan[]; notes: AttributeNote[][]; keysCreated: boolean }> {
    const { languages } = environment;
    let attributeKeys = new Map(environment.attributeKeys);
    const wanted: AttributePlan["newKeys"] = [];
    for (const { attributes } of contacts) {
      const { newKeys } = planAttributes(attributes, { attributeKeys, languages, rules });
      for (const { key, dataType } of newKeys) attributeKeys.set(key, dataType);
      wanted.push(...newKeys);
    }
    let skipped: string[] = [];
    let created: AttributePlan["newKeys"] = [];
    if (wanted.length > 0) {
      ({ attributeKeys, created, skipped } = await createKeys(tx, environment.id, wanted, rules));
      if (created.length > 0) await notifyChange(tx, "environment", environment.id);
    }
    const left = new Set(skipped);
    const plans = contacts.map(({ attributes }) => {
      const known = left.size === 0 ? attributes : new Map([...attributes].filter(([key]) => !left.has(key)));
      return planAttributes(known, { attributeKeys, languages, rules });
    });
    const limit = rules.maxKeys ?? maxAttributeKeys;
    const notes = plans.map((plan, at) => {
      const keys = skipped.filter((key) => contacts[at]?.attributes.has(key));
      return keys.length === 0 ? plan.notes : [...plan.notes, { kind: "key_limit_reached" as const, keys, limit }];
    });
    return { plans, notes, keysCreated: created.length > 0 };
  }

  /** Splits the attribute `name` of contacts that have neither a first nor a last name, at its first space. */
  async function fillNames(
    environmentId: string,
    userIds: readonly string[],
    tx: Pick<Transaction, "query"> = db,
  ): Promise<void> {
    await tx.query(FILL_NAMES, [environmentId, userIds]);
  }

  /** The contact that has the id, user id, e-mail address or visitor id; null when there is none. */
  async function find(environmentId: string, reference: ContactReference): Promise<StoredContact | null> {
    const [[column, value] = ["id", ""]] = Object.entries(reference);
    if (column === "visitorId" && !UUID_PATTERN.test(value)) return null;
    const rows = await db.query<StoredContact>(FIND_BY[column] ?? FIND_BY_ID, [environmentId, value]);
    return rows[0] ?? null;
  }

  /** The visitor ids of contacts, by their ids. */
  async function findVisitorIds(environmentId: string, ids: readonly string[]): Promise<Map<string, string>> {
    const rows = await db.query<{ id: string; visitorId: string }>(
      `select id, "visitorId" from contacts where "environmentId" = $1 and id = any($2::text[])`,
      [environmentId, ids],
    );
    return new Map(rows.map(({ id, visitorId }) => [id, visitorId]));
  }

  /** The same as {@link apply} inside a transaction. */
  async function applyWithin(
    tx: Transaction,
    environment: EnvironmentConfiguration,
    { userId, company }: Submitted,
    plan: AttributePlan,
  ): Promise<IdentifiedRow> {
    const ids = await companies.identifyWithin(tx, environment.id, company ? [company] : []);
    const item = toItem(environment, userId, plan, company ? (ids.get(company.companyId) ?? null) : null);
    for (let tries = 1; tries <= MAX_TRIES; tries++) {
      const [row] = await identifyItems(tx, [item], sources);
      if (row) return { ...row, userId };
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
      const { maxKeys = maxAttributeKeys } = submitted.rules;
      if (current.attributeKeys.size < maxKeys) return await createKeysAndIdentify(current, submitted, plan.newKeys);
      const skipped = plan.newKeys.map(({ key }) => key);
      const rest = planFor(current, without(skipped, submitted));
      return { current, plan: { ...rest, notes: [...creationNotes([], skipped, submitted.rules), ...rest.notes] } };
    });
    if ("row" in known) return known;
    return { row: await apply(known.current, submitted, known.plan), notes: known.plan.notes, current: known.current };
  }

  async function createKeysAndIdentify(
    configuration: EnvironmentConfiguration,
    submitted: Submitted,
    newKeys: AttributePlan["newKeys"],
  ): Promise<IdentifiedWithKeys> {
    const { id: environmentId, languages } = configuration;
    for (let tries = 1; ; tries++) {
      try {
        const outcome = await db.transaction(async (tx) => {
          const [followed = submitted] = await followAliases(tx, environmentId, [submitted]);
          const { attributeKeys, created, skipped } = await createKeys(tx, environmentId, newKeys, submitted.rules);
          // The types may be those of another process that created the same keys a moment before.
          const { attributes, rules } = without(skipped, submitted);
          const plan = planAttributes(attributes, { attributeKeys, languages, rules });
          const write = () => applyWithin(tx, configuration, followed, plan);
          const { userId, device } = followed;
          const touched = { userIds: [userId], emails: plan.email ? [plan.email] : [] };
          const row = await watch.around(tx, configuration, touched, write, () => device);
          if (created.length > 0) await notifyChange(tx, "environment", environmentId);
          return { row, notes: [...creationNotes(created, skipped, rules), ...plan.notes] };
        });
        environments.forget(environmentId);
        return { ...outcome, current: await environments.configuration(environmentId) };
      } catch (error) {
        const isOvertaken = isUniqueViolation(error, "email") || (submitted.company !== undefined && isMissingRow(error));
        if (tries === MAX_TRIES || !isOvertaken) throw error;
      }
    }
  }

  function creationNotes(created: AttributePlan["newKeys"], skipped: string[], { maxKeys }: AttributeRules): AttributeNote[] {
    const notes: AttributeNote[] = created.map(({ key, dataType }) => ({ kind: "key_created", key, dataType }));
    return skipped.length === 0
      ? notes
      : [...notes, { kind: "key_limit_reached", keys: skipped, limit: maxKeys ?? maxAttributeKeys }];
  }

  /**
   * Creates the keys that the environment does not have, as many as its limit allows, in the order given. Locks the
   * environment's row, so that calls that create keys go one after another and the limit holds.
   */
  async function createKeys(
    tx: Transaction,
    environmentId: string,
    wanted: AttributePlan["newKeys"],
    { maxKeys = maxAttributeKeys }: Pick<AttributeRules, "maxKeys">,
  ): Promise<{ attributeKeys: Map<string, AttributeDataType>; created: AttributePlan["newKeys"]; skipped: string[] }> {
    await tx.query("select 1 from environments where id = $1 for no key update", [environmentId]);
    const rows = await tx.query<{ key: string; dataType: AttributeDataType }>(
      `select key, "dataType" from contact_attribute_keys where "environmentId" = $1`,
      [environmentId],
    );
    const attributeKeys = new Map(rows.map(({ key, dataType }) => [key, dataType]));
    const missing = wanted.filter(({ key }) => !attributeKeys.has(key));
    const created = missing.slice(0, Math.max(0, maxKeys - attributeKeys.size));
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
          created.map(({ key }) => nameOfAttributeKey(key)),
          created.map(({ dataType }) => dataType),
        ],
      );
    for (const { key, dataType } of created) attributeKeys.set(key, dataType);
    return { attributeKeys, created, skipped };
  }

  /** The company and events that came with the row; for a contact with very many events, what conditions count of them. */
  async function readFacts(environment: EnvironmentConfiguration, row: IdentifiedRow): Promise<ReadFacts> {
    const { company = null } = row;
    const events = (row.events ?? []).map(([name, occurredAt, properties]) => ({ name, occurredAt, properties }));
    // A count without conditions needs no more than were read.
    const isCutOffFor = ({ name, properties }: SegmentFacts["events"][number]) =>
      properties.length > 0 && events.filter((event) => event.name === name).length >= HISTORY_LIMIT;
    if (events.length < HISTORY_LIMIT || !environment.facts?.events.some(isCutOffFor)) return { company, events };
    const counts = await countEvents(db, environment, [row.id], now());
    return { company, eventCounts: counts.get(row.id) };
  }

  /** Adds the newest one of every survey that is not among the newest {@link HISTORY_LIMIT}. */
  async function completeHistory(environmentId: string, contactId: string, read: History): Promise<History> {
    const [displays, responses] = [[...read.displays], [...read.responses]];
    const seen = new Set(displays.map(({ surveyId }) => surveyId));
    const answered = new Set(responses.map(({ surveyId, finished }) => `${surveyId} ${finished}`));
    for (const { surveyId, display, response, finished } of await db.query<SurveyHistoryRow>(HISTORY_BY_SURVEY, [
      environmentId,
      contactId,
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

/** What segments ask of a contact's company and events. */
type ReadFacts = Pick<SegmentSubject, "company" | "events" | "eventCounts">;

type History = Pick<IdentifiedContact, "displays" | "responses">;

/** The displays and responses that came with the row. */
const historyOf = ({ displays, responses }: IdentifiedRow): History => ({
  displays: displays === null ? [] : displays.map(([surveyId, createdAt]) => ({ surveyId, createdAt })),
  responses: responses === null ? [] : responses.map(([surveyId, createdAt, finished]) => ({ surveyId, createdAt, finished })),
});

const isCutOff = ({ displays, responses }: History): boolean =>
  displays.length >= HISTORY_LIMIT || responses.length >= HISTORY_LIMIT;

const FILL_NAMES = `
update contacts set "updatedAt" = now(), attributes = attributes || jsonb_strip_nulls(jsonb_build_object(
  'firstName', nullif(split_part(trim(attributes ->> 'name'), ' ', 1), ''),
  'lastName', nullif(trim(substr(trim(attributes ->> 'name'), length(split_part(trim(attributes ->> 'name'), ' ', 1)) + 1)), '')))
where "environmentId" = $1 and "userId" = any($2::text[]) and jsonb_typeof(attributes -> 'name') = 'string'
  and not attributes ?| array['firstName', 'lastName']`;

const UUID_PATTERN = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

const FIND_COLUMNS = `id, "userId", email, "visitorId", "companyId", attributes, "createdAt", "firstSeenAt", "lastSeenAt"`;

const findWhere = (condition: string) => `select ${FIND_COLUMNS} from contacts where "environmentId" = $1 and ${condition}`;

/** By an id of the contact's own, or of one that was merged into it, which comes first. */
const findBy = (column: string, type = "text") => ({
  name: `contact_by_${column}`,
  text: `${findWhere(`id = (select "contactId" from contact_aliases where "environmentId" = $1 and "${column}" = $2::${type})`)}
    union all ${findWhere(`"${column}" = $2::${type}`)} limit 1`,
});

const FIND_BY_ID = findBy("id");
const FIND_BY: Record<string, { name: string; text: string }> = {
  id: FIND_BY_ID,
  userId: findBy("userId"),
  email: { name: "contact_by_email", text: findWhere("email = $2::text") },
  visitorId: findBy("visitorId", "uuid"),
};

const emptyHistory = ({ userId, at }: HistoricContact, newId: string): HistoryItem => ({
  userId,
  newId,
  email: undefined,
  emailAt: 0,
  companyId: null,
  companyAt: 0,
  patch: {},
  times: {},
  firstSeenAt: at,
  lastSeenAt: at,
});

function addToHistory(item: HistoryItem, contact: HistoricContact, plan: AttributePlan, companyId: string | undefined): void {
  const { at, firstSeenAt = at, lastSeenAt = at } = contact;
  for (const [key, value] of Object.entries(plan.patch)) {
    if (at < (item.times[key] ?? 0)) continue;
    item.patch[key] = value;
    item.times[key] = at;
  }
  if (plan.email !== undefined && at >= item.emailAt) {
    item.email = plan.email;
    item.emailAt = at;
  }
  if (companyId !== undefined && at >= item.companyAt) {
    item.companyId = companyId;
    item.companyAt = at;
  }
  item.firstSeenAt = Math.min(item.firstSeenAt, firstSeenAt);
  item.lastSeenAt = Math.max(item.lastSeenAt, lastSeenAt);
}
