/**
 * Tells webhooks what becomes of contacts: {@link createContactWatch}'s `around` is put around whatever writes contacts,
 * and compares them before and after. Only environments with a webhook that asks for it are watched, the others' writes
 * never come here. What it sees and what it does not: src/decisions/0039.
 */
import type { Transaction } from "../db/database.ts";
import type { EnvironmentConfiguration } from "../environments/service.ts";
import type { SegmentSubject } from "../segments/service.ts";
import type { AttributeValue } from "../shared/attributes.ts";
import type { ContactSnapshot, Outbox, ToldEvent } from "../webhooks/service.ts";
import { findMemberships } from "./segment-memberships.ts";
import type { ContactPair, WatchedContact } from "./watched-contact.ts";

/**
 * Contacts that a write may make, change or delete, by what is known of them before; ids and user ids may be those of
 * contacts that were merged into them. Addresses that a write gives away belong to it.
 */
export interface TouchedContacts {
  ids?: readonly string[];
  userIds?: readonly string[];
  emails?: readonly string[];
}

export type ContactWatch = ReturnType<typeof createContactWatch>;

const MEMBERSHIP_EVENTS = ["segmentEntered", "segmentLeft"];
const CONTACT_EVENTS = ["contactCreated", "contactUpdated", "contactDeleted", ...MEMBERSHIP_EVENTS];

const iso = (date: string): string => `to_char(${date} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`;

const READ = `
select c.id, c."userId", c.email, o."companyId", c."companyId" as "ownCompanyId", c.attributes,
  ${iso('c."createdAt"')} as "createdAt", ${iso('c."updatedAt"')} as "updatedAt"
from contacts c left join companies o on o."environmentId" = c."environmentId" and o.id = c."companyId"
where c."environmentId" = $1 and (c.id = any($2::text[]) or c."userId" = any($3::text[]) or c.email = any($4::text[]))
order by c.id`;

const READ_AND_LOCK = `${READ} for no key update of c`;

/** The contacts that others were merged into, by ids and user ids of those. */
const FOLLOW = `
select id, "userId", "contactId" from contact_aliases
where "environmentId" = $1 and (id = any($2::text[]) or "userId" = any($3::text[]))`;

/** Locks that creations share among them: no more, because a long list would fill the database's table of locks. */
const CREATION_LOCKS = 64;

/**
 * Held by whoever makes contacts of a watched environment, so that nobody else makes the same ones meanwhile; in one order,
 * so that two that make several do not wait for each other.
 */
const LOCK_CREATION = `
select pg_advisory_xact_lock(hashtextextended('contacts of ' || $1::text, lock)) from (
  select distinct abs(hashtext(name) % ${CREATION_LOCKS}) as lock from unnest($2::text[]) as name order by lock
) as locks`;

export function createContactWatch({ outbox, now }: { outbox: Outbox; now: () => number }) {
  return { watches, around };

  /** Whether somebody wants to be told of the environment's contacts. */
  function watches({ listenedEvents }: EnvironmentConfiguration): boolean {
    return listenedEvents.size > 0 && CONTACT_EVENTS.some((event) => listenedEvents.has(event));
  }

  /**
   * Writes contacts, inside a transaction, and with them what webhooks are to be told of it. The contacts are locked
   * before, so that each change is compared with the one before it.
   * @param deviceOf what segments are told of the device that is behind a contact's change; default: nothing
   */
  async function around<Result>(
    tx: Transaction,
    environment: EnvironmentConfiguration,
    touched: TouchedContacts,
    write: () => Promise<Result>,
    deviceOf: (userId: string | null) => SegmentSubject["device"] = () => null,
  ): Promise<Result> {
    if (!watches(environment)) return await write();
    const before = await readBefore(tx, environment.id, touched);
    const result = await write();
    const ids = [...(touched.ids ?? []), ...before.keys()];
    const after = await read(tx, READ, environment.id, { ...touched, ids });
    const deleted = [...before.values()].filter(({ id }) => !after.has(id));
    const pairs = [...after.values()].map((contact) => ({ before: before.get(contact.id) ?? null, after: contact }));
    const deletedAt = new Date(now()).toISOString();
    const told = [...deleted.map((contact) => tellDeletion(contact, deletedAt)), ...pairs.flatMap(tellChange)];
    const memberships = await tellMemberships(tx, environment, pairs, deviceOf);
    const wanted = [...told, ...memberships].filter(({ type }) => environment.listenedEvents.has(type));
    await outbox.append(tx, environment.id, wanted);
    return result;
  }

  /** Locked. Those that are not there are kept from being made by others until the transaction ends. */
  async function readBefore(tx: Transaction, environmentId: string, touched: TouchedContacts): Promise<Contacts> {
    const found = await read(tx, READ_AND_LOCK, environmentId, touched);
    const missing = missingOf(touched, found);
    if (isNobody(missing)) return found;
    const survivors = await tx.query<Alias>(FOLLOW, [environmentId, missing.ids, missing.userIds]);
    const ids = [...(touched.ids ?? []), ...survivors.map(({ contactId }) => contactId)];
    const merged = new Set(survivors.map(({ userId }) => userId));
    const names = [
      ...missing.userIds.filter((userId) => !merged.has(userId)).map((userId) => `user ${userId}`),
      ...missing.emails.map((email) => `address ${email.trim().toLowerCase()}`),
    ];
    if (names.length > 0) await tx.query(LOCK_CREATION, [environmentId, names]);
    return await read(tx, READ_AND_LOCK, environmentId, { ...touched, ids });
  }

  async function tellMemberships(
    tx: Transaction,
    environment: EnvironmentConfiguration,
    pairs: readonly ContactPair[],
    deviceOf: (userId: string | null) => SegmentSubject["device"],
  ): Promise<ToldEvent[]> {
    if (environment.segments.length === 0 || !MEMBERSHIP_EVENTS.some((event) => environment.listenedEvents.has(event))) return [];
    const changed = pairs.filter(({ before, after }) => before === null || changedKeys(before, after).length > 0);
    const changes = await findMemberships(tx, environment, changed, { deviceOf, now: now() });
    return changes.map(({ type, segment, contact }) => ({
      type,
      contactId: contact.id,
      payload: { segment, contact: toSnapshot(contact) },
    }));
  }
}

type Contacts = Map<string, WatchedContact>;

async function read(
  tx: Transaction,
  statement: string,
  environmentId: string,
  { ids = [], userIds = [], emails = [] }: TouchedContacts,
): Promise<Contacts> {
  const rows = await tx.query<WatchedContact>(statement, [environmentId, ids, userIds, emails]);
  return new Map(rows.map((row) => [row.id, row]));
}

interface Alias {
  id: string;
  userId: string | null;
  contactId: string;
}

const isNobody = ({ ids, userIds, emails }: Required<TouchedContacts>): boolean =>
  ids.length + userIds.length + emails.length === 0;

function missingOf({ ids = [], userIds = [], emails = [] }: TouchedContacts, found: Contacts): Required<TouchedContacts> {
  const contacts = [...found.values()];
  const without = (wanted: readonly string[], known: (string | null)[]) => {
    const set = new Set(known);
    return wanted.filter((value) => !set.has(value));
  };
  const knownUserIds = contacts.map(({ userId }) => userId);
  const knownEmails = contacts.map(({ email }) => email);
  return {
    ids: ids.filter((id) => !found.has(id)),
    userIds: without(userIds, knownUserIds),
    emails: without(emails, knownEmails),
  };
}

const tellDeletion = ({ id, userId, email }: WatchedContact, deletedAt: string): ToldEvent => ({
  type: "contactDeleted",
  contactId: id,
  payload: { id, userId, email, deletedAt },
});

function tellChange({ before, after }: ContactPair): ToldEvent[] {
  if (before === null) return [{ type: "contactCreated", contactId: after.id, payload: toSnapshot(after) }];
  const keys = changedKeys(before, after);
  if (keys.length === 0) return [];
  return [{ type: "contactUpdated", contactId: after.id, payload: { ...toSnapshot(after), changedKeys: keys } }];
}

function toSnapshot({ ownCompanyId: _, ...snapshot }: WatchedContact): ContactSnapshot {
  return snapshot;
}

/** Attributes by their keys, and what else a contact has by its name. When it was last seen is no change. */
function changedKeys(before: WatchedContact, after: WatchedContact): string[] {
  const keys = new Set([...Object.keys(before.attributes), ...Object.keys(after.attributes)]);
  const attributeOf = ({ attributes }: WatchedContact, key: string): AttributeValue | undefined =>
    Object.hasOwn(attributes, key) ? attributes[key] : undefined;
  const attributes = [...keys].filter((key) => attributeOf(before, key) !== attributeOf(after, key)).sort();
  const fields = (["userId", "email", "companyId"] as const).filter((field) => before[field] !== after[field]);
  return [...fields, ...attributes];
}
