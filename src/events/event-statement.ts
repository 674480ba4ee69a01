/** One event of a person named by the customer's id. */
export interface EventItem {
  environmentId: string;
  /** The event's id. */
  id: string;
  userId: string;
  name: string;
  /** Milliseconds since the epoch. */
  occurredAt: number;
  properties: Readonly<Record<string, unknown>>;
  source: string;
  dedupeKey: string | null;
}

export interface EventRow {
  /** Null when the environment has no such contact; nothing was stored then. */
  contactId: string | null;
  /** False when the event was there already. */
  isStored: boolean;
}

/** How old a contact's `lastSeenAt` may get before an event writes it. */
const LAST_SEEN_GRANULARITY = "1 hour";

/**
 * Stores events of contacts that exist, by their user ids or those of contacts that were merged into them, in one statement over arrays (one entry per item): environment id, event id,
 * user id, name, time, source, dedupe key, and the properties as one JSON array.
 */
export const RECORD_EVENTS = {
  name: "record_events",
  text: `
with input as (
  select * from rows from (
    unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::timestamptz[], $6::text[], $7::text[]), jsonb_array_elements($8::jsonb)
  ) with ordinality as i("environmentId", id, "userId", name, "occurredAt", source, "dedupeKey", properties, position)
), found as (
  select i.*, c.id as "contactId", c."companyId", c."lastSeenAt" from input i
  cross join lateral (
    select coalesce((
      select s."userId" from contact_aliases a join contacts s on s."environmentId" = a."environmentId" and s.id = a."contactId"
      where a."environmentId" = i."environmentId" and a."userId" = i."userId"
    ), i."userId") as "userId"
  ) p
  left join contacts c on c."environmentId" = i."environmentId" and c."userId" = p."userId"
), seen as (
  update contacts c set "lastSeenAt" = now() from found f
  where c."environmentId" = f."environmentId" and c.id = f."contactId" and f."lastSeenAt" < now() - interval '${LAST_SEEN_GRANULARITY}'
), inserted as (
  insert into events ("environmentId", id, "occurredAt", "contactId", "companyId", name, properties, source, "dedupeKey")
  select "environmentId", id, "occurredAt", "contactId", "companyId", name, properties, source, "dedupeKey"
  from found where "contactId" is not null
  on conflict ("environmentId", "dedupeKey") do nothing
  returning "environmentId", id
)
select f."contactId", n.id is not null as "isStored"
from found f left join inserted n on n."environmentId" = f."environmentId" and n.id = f.id
order by f.position`,
};

/** The statement's parameters for the items. */
export const eventValues = (items: readonly EventItem[]): unknown[] => [
  items.map(({ environmentId }) => environmentId),
  items.map(({ id }) => id),
  items.map(({ userId }) => userId),
  items.map(({ name }) => name),
  items.map(({ occurredAt }) => new Date(occurredAt)),
  items.map(({ source }) => source),
  items.map(({ dedupeKey }) => dedupeKey),
  JSON.stringify(items.map(({ properties }) => properties)),
];

/** Frees the key of an event that is older than the time within which its repetitions count as the same. */
export const RELEASE_DEDUPE_KEY = {
  name: "release_dedupe_key",
  text: `update events set "dedupeKey" = null where "environmentId" = $1 and "dedupeKey" = $2 and "createdAt" < $3 returning id`,
};

export const SUMMARIZE_EVENTS = {
  name: "summarize_events",
  text: `
select name, count(*)::int as count, min("occurredAt") as "firstAt", max("occurredAt") as "lastAt"
from events where "environmentId" = $1 and "contactId" = $2 group by name order by min("occurredAt"), name`,
};
