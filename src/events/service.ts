import { createHash } from "node:crypto";
import type { CompanyInput } from "../companies/service.ts";
import type { ContactService } from "../contacts/service.ts";
import { VERBATIM_RULES } from "../contacts/service.ts";
import { inBatches } from "../db/batches.ts";
import type { Database, Transaction } from "../db/database.ts";
import { isMissingRow, isRetryable, isUnavailable } from "../db/errors.ts";
import type { EnvironmentConfiguration } from "../environments/service.ts";
import type { Suppression } from "../erasures/service.ts";
import { createBatcher } from "../shared/batcher.ts";
import { unavailable } from "../shared/problem.ts";
import type { Outbox, ToldEvent } from "../webhooks/service.ts";
import {
  type EventItem,
  type EventRow,
  eventValues,
  RECORD_EVENTS,
  RELEASE_DEDUPE_KEY,
  SUMMARIZE_EVENTS,
} from "./event-statement.ts";

/** Something that a person did. */
export interface EventInput {
  userId: string;
  name: string;
  /** Milliseconds since the epoch. */
  occurredAt: number;
  properties: Readonly<Record<string, unknown>>;
  /**
   * What makes it the same event when it comes again: a message id, for 24 hours; or person, name and instant, for
   * good, `instant` being the time as it was sent where milliseconds are too coarse. Absent: nothing.
   */
  sameAs?: { messageId: string } | { instant: string } | undefined;
}

export interface TrackInput extends EventInput {
  environment: EnvironmentConfiguration;
  /** The contract that brings it. */
  source: string;
  /** The company that the person belongs to from now on. */
  company?: CompanyInput | undefined;
  /** Whether a person who is not known yet becomes a contact. */
  createsContact: boolean;
}

export type TrackOutcome = "stored" | "repeated" | "unknown_person" | "erased_person";

/** All events of one name. */
export interface EventSummary {
  name: string;
  count: number;
  firstAt: Date;
  lastAt: Date;
}

export type EventService = ReturnType<typeof createEventService>;

/** How long a message id is remembered. Source: userpilot-api §4.3. */
const MESSAGE_ID_LIFETIME_MS = 24 * 60 * 60_000;

const MAX_TRIES = 4;
const MAX_BATCH = 200;
const MAX_WAITING = 5_000;

/** Events of a history written by one statement. */
const RECORD_BATCH = 1_000;

/** Events: what contacts did. They are only added; segments and contracts read them. */
export function createEventService({
  db,
  contacts,
  suppression,
  outbox,
  newId,
  now,
  retentionDays,
}: {
  db: Database;
  contacts: ContactService;
  suppression: Suppression;
  outbox: Outbox;
  newId: () => string;
  now: () => number;
  /** 0: for ever. */
  retentionDays: number;
}) {
  const batcher = createBatcher<LiveEvent, EventRow>({
    run: runBatch,
    isOfOneItem: (error) => !isUnavailable(error),
    keyOf: ({ id }) => id,
    merge: () => null, // every event is one of its own
    maxRunning: db.namedConnections,
    maxBatch: MAX_BATCH,
    maxWaiting: MAX_WAITING,
  });
  return { track, recordMany, recordHistory, summarize, deleteExpired };

  /** Events that webhooks are told of go in a transaction with what they are told. */
  async function runBatch(items: readonly LiveEvent[]): Promise<EventRow[]> {
    const told = items.filter(({ isTold }) => isTold);
    if (told.length === 0) return await db.query<EventRow>(RECORD_EVENTS, eventValues(items));
    return await db.transaction(async (tx) => {
      const rows = await tx.query<EventRow>(RECORD_EVENTS, eventValues(items));
      for (const environmentId of new Set(told.map((item) => item.environmentId)))
        await outbox.append(
          tx,
          environmentId,
          items.flatMap((item, at) => (item.isTold && item.environmentId === environmentId ? toTold(item, rows[at]) : [])),
        );
      return rows;
    });
  }

  /**
   * Stores one event; one round trip for a known person. A person who was erased is not brought back by it.
   */
  async function track(input: TrackInput): Promise<TrackOutcome> {
    const { environment, userId, company, createsContact } = input;
    const isTold = environment.listenedEvents.has("eventTracked");
    const item = { ...toItem(environment.id, input, input.source), isTold };
    const row = company ? null : await record(item);
    if (row?.contactId) return (await isStored(item, row)) ? "stored" : "repeated";
    if (!row && (await contacts.find(environment.id, { userId }))) await identify();
    else {
      if (!createsContact) return "unknown_person";
      if (await suppression.erasedAt(environment.id, { kind: "userId", value: userId })) return "erased_person";
      await identify();
    }
    const second = await record(item);
    if (!second.contactId) return "unknown_person"; // deleted at this moment
    return (await isStored(item, second)) ? "stored" : "repeated";

    async function identify(): Promise<void> {
      await contacts.identify({ environment, userId, attributes: new Map(), rules: VERBATIM_RULES, device: null, company });
    }
  }

  /**
   * Stores the events of contacts that exist, in one statement; repetitions and unknown persons are left out. They are
   * what lists bring, of any time, so webhooks are not told of them.
   */
  async function recordMany(
    tx: Pick<Transaction, "query">,
    environmentId: string,
    events: readonly (EventInput & { source: string })[],
  ): Promise<{ stored: number }> {
    if (events.length === 0) return { stored: 0 };
    const items = events.map((event) => toItem(environmentId, event, event.source));
    const rows = await tx.query<EventRow>(RECORD_EVENTS, eventValues(items));
    return { stored: rows.filter(({ isStored }) => isStored).length };
  }

  /** As {@link recordMany}, in a transaction of its own: all of them or none. */
  async function recordHistory(environmentId: string, events: readonly (EventInput & { source: string })[]): Promise<void> {
    if (events.length <= RECORD_BATCH) {
      await recordMany(db, environmentId, events); // one statement, which is all or nothing by itself
      return;
    }
    await db.transaction(async (tx) => {
      for (let at = 0; at < events.length; at += RECORD_BATCH)
        await recordMany(tx, environmentId, events.slice(at, at + RECORD_BATCH));
    });
  }

  /** The contact's events by name, in the order in which the names first occurred. */
  function summarize(environmentId: string, contactId: string): Promise<EventSummary[]> {
    return db.query<EventSummary>(SUMMARIZE_EVENTS, [environmentId, contactId]);
  }

  /** Deletes the events that are older than the retention time; returns how many. */
  async function deleteExpired(): Promise<number> {
    if (retentionDays === 0) return 0;
    const before = new Date(now() - retentionDays * 24 * 60 * 60_000);
    const environments = await db.query<{ id: string }>("select id from environments");
    let deleted = 0;
    for (const { id } of environments) {
      deleted += await inBatches(async (limit) => {
        const rows = await db.query<{ id: string }>(
          `delete from events where "environmentId" = $1 and id in (
             select id from events where "environmentId" = $1 and "occurredAt" < $2 limit $3
           ) returning id`,
          [id, before, limit],
        );
        return rows.length;
      });
    }
    return deleted;
  }

  function toItem(environmentId: string, event: EventInput, source: string): EventItem {
    const { userId, name, occurredAt, properties } = event;
    return { environmentId, id: newId(), userId, name, occurredAt, properties, source, dedupeKey: dedupeKeyOf(event) };
  }

  async function record(item: LiveEvent): Promise<EventRow> {
    for (let tries = 1; tries <= MAX_TRIES; tries++) {
      const row = await batcher.submit(item).catch((error: unknown) => {
        if (isRetryable(error) || isMissingRow(error)) return undefined; // or the contact was deleted meanwhile
        throw error;
      });
      if (row) return row;
    }
    throw unavailable("Too many calls change the contact at once", 1);
  }

  /** Whether it was stored, if need be in place of one whose message id has expired. */
  async function isStored(item: LiveEvent, row: EventRow): Promise<boolean> {
    if (row.isStored || !item.dedupeKey?.startsWith(MESSAGE_KEY)) return row.isStored;
    const before = new Date(now() - MESSAGE_ID_LIFETIME_MS);
    const released = await db.query(RELEASE_DEDUPE_KEY, [item.environmentId, item.dedupeKey, before]);
    return released.length > 0 && (await record(item)).isStored;
  }
}

/** An event that happens now. */
interface LiveEvent extends EventItem {
  /** Whether a webhook asks for it. */
  isTold: boolean;
}

/** Nothing unless it was stored. */
function toTold({ id, userId, name, occurredAt, properties, source }: LiveEvent, row: EventRow | undefined): ToldEvent[] {
  if (!row?.isStored || row.contactId === null) return [];
  const contact = { id: row.contactId, userId };
  const payload = { id, name, occurredAt: new Date(occurredAt).toISOString(), properties, source, contact };
  return [{ type: "eventTracked", contactId: contact.id, payload }];
}

const MESSAGE_KEY = "m:";

/** A hash, so that no id of any length or content gets into a key. */
function dedupeKeyOf({ userId, name, sameAs }: EventInput): string | null {
  if (!sameAs) return null;
  if ("messageId" in sameAs) return MESSAGE_KEY + hash(sameAs.messageId);
  return `e:${hash(JSON.stringify([userId, name, sameAs.instant]))}`;
}

const hash = (text: string): string => createHash("sha256").update(text).digest("base64url");
