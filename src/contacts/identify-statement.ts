import type { AttributeValue } from "../shared/attributes.ts";

/** One contact to find or create. */
export interface IdentifyItem {
  environmentId: string;
  userId: string;
  /** undefined leaves the address, null removes it. */
  email: string | null | undefined;
  /** Attributes to merge; null removes one. */
  patch: Readonly<Record<string, AttributeValue | null>>;
  /** Our id of the company that the contact belongs to from now on; null leaves it. */
  companyId: string | null;
  /** What to read besides; null: nothing. The contact's company is read with it. */
  eventQueries: readonly EventQuery[] | null;
}

/** Which of a contact's events to read: the newest of a name, at most {@link HISTORY_LIMIT}. */
export interface EventQuery {
  name: string;
  /** Milliseconds since the epoch; null: all time. */
  since: number | null;
  /** The properties to read. */
  properties: readonly string[];
}

/** A contact with its past, as the database answers it. Times are milliseconds since the epoch. */
export interface ContactRow {
  id: string;
  email: string | null;
  attributes: Record<string, AttributeValue>;
  companyId: string | null;
  /** Of the contact's company; only where asked for. `id` is the customer's id for it. */
  company?: { id: string; attributes: Record<string, AttributeValue> } | null;
  /** `[name, occurredAt, properties]`, newest first per name; only where asked for. */
  events?: [string, number, Record<string, unknown> | null][] | null;
  /** `[surveyId, createdAt]`, newest first, at most {@link HISTORY_LIMIT}; null when there are none. */
  displays: [string, number][] | null;
  /** `[surveyId, createdAt, finished]`, newest first, at most {@link HISTORY_LIMIT}; null when there are none. */
  responses: [string, number, boolean][] | null;
}

/** A contact as it was found. */
export interface FoundRow extends Omit<ContactRow, "id"> {
  /** Null: there is none. */
  id: string | null;
  /** `lastSeenAt` has to be written though nothing else may have changed. */
  isSeenLongAgo: boolean | null;
}

/** A contact as the statement leaves it. */
export interface IdentifiedRow extends ContactRow {
  isNew: boolean;
  /** The address belongs to another contact of the environment; it was left out and everything else was applied. */
  emailTaken: boolean;
  /** The contact changed under the statement's hands; the item must be sent again. */
  isStale: boolean;
}

/** How many of a contact's displays, and of its responses, one identify reads: the newest ones. */
export const HISTORY_LIMIT = 1_000;

/** How old `lastSeenAt` may get before an identify that changes nothing else writes it. */
const LAST_SEEN_GRANULARITY = "1 hour";

/** The key in `attributeTimes` under which the time of a contact's last change of company is kept. */
export const COMPANY_TIME = "$company";

/** `date_part` and not `extract`, whose numbers of any length take several times as long. */
const MILLISECONDS = `(date_part('epoch', "createdAt") * 1000)::bigint`;

/** The columns with what is read of the past of the contact `id`, by index only. */
const history = (environmentId: string, id: string) => `
  (select json_agg(json_build_array(x."surveyId", x.at)) from (
    select "surveyId", ${MILLISECONDS} as at from displays
    where "environmentId" = ${environmentId} and "contactId" = ${id}
    order by "createdAt" desc limit ${HISTORY_LIMIT}
  ) x) as displays,
  (select json_agg(json_build_array(x."surveyId", x.at, x.finished)) from (
    select "surveyId", ${MILLISECONDS} as at, finished from responses
    where "environmentId" = ${environmentId} and "contactId" = ${id}
    order by "createdAt" desc limit ${HISTORY_LIMIT}
  ) x) as responses`;

/** The columns with the contact's company and those of its events that the item's queries name. */
const facts = (environmentId: string, id: string, companyId: string, eventQueries: string) => `,
  (select json_build_object('id', o."companyId", 'attributes', o.attributes) from companies o
   where o."environmentId" = ${environmentId} and o.id = ${companyId}) as company,
  (select json_agg(json_build_array(q.name, e.at, e.properties))
   from jsonb_to_recordset(${eventQueries}) as q(name text, since float8, properties jsonb), lateral (
     select (date_part('epoch', "occurredAt") * 1000)::bigint as at, (
       select jsonb_object_agg(p, e.properties -> p) from jsonb_array_elements_text(q.properties) p where e.properties ? p
     ) as properties
     from events e
     where e."environmentId" = ${environmentId} and e."contactId" = ${id} and e.name = q.name
       and e."occurredAt" >= coalesce(to_timestamp(q.since / 1000), '-infinity')
     order by "occurredAt" desc limit ${HISTORY_LIMIT}
   ) e) as events`;

/**
 * Reads contacts, in one statement over arrays with one entry per item: environment id, user id, and with facts a JSON
 * array of each item's {@link EventQuery}s. Most identifies change nothing and end here: it costs the database half of
 * what the statement below does, which has to be ready to write.
 */
const findText = ({ withFacts }: { withFacts: boolean }) => `
select c.id, c.email, c.attributes, c."companyId", c."lastSeenAt" < now() - interval '${LAST_SEEN_GRANULARITY}' as "isSeenLongAgo",
  ${history('c."environmentId"', "c.id")}${withFacts ? facts('c."environmentId"', "c.id", 'c."companyId"', 'i."eventQueries"') : ""}
from rows from (
  unnest($1::text[], $2::text[])${withFacts ? ", jsonb_array_elements($3::jsonb)" : ""}
) with ordinality as i("environmentId", "userId"${withFacts ? ', "eventQueries"' : ""}, position)
left join contacts c on c."environmentId" = i."environmentId" and c."userId" = i."userId"
order by i.position`;

/**
 * Finds or creates contacts, merges their changed attributes and returns their state, in one statement over arrays
 * (each with one entry per item): environment id, user id, new id, e-mail (null: leave, '': remove), the patches as one
 * JSON array (null: none), and company id (null: leave). Items must name different contacts, sorted by environment and
 * user id so that two statements lock in the same order.
 *
 * A contact that is as it should be is not written. What runs at the same time is merged, not overwritten: the update
 * works on the row as it is then (read committed), and two that create the same contact meet in ON CONFLICT. A row
 * that was found and needed writing but was not written had changed meanwhile: `isStale`.
 */
const identifyText = ({ withFacts }: { withFacts: boolean }) => `
with input as (
  select "environmentId", "userId", "newId", email, "companyId", nullif(patch, 'null') as patch${withFacts ? ', "eventQueries"' : ""}, position
  from rows from (
    unnest($1::text[], $2::text[], $3::text[], $4::text[], $6::text[]), jsonb_array_elements($5::jsonb)${withFacts ? ", jsonb_array_elements($7::jsonb)" : ""}
  ) with ordinality as i("environmentId", "userId", "newId", email, "companyId", patch${withFacts ? ', "eventQueries"' : ""}, position)
), found as (
  select i.*, c.id, c.email as "storedEmail", c.attributes, c."companyId" as "storedCompanyId", t."emailTaken",
    c.id is not null and coalesce(
      not c.attributes @> i.patch and jsonb_strip_nulls(c.attributes || i.patch) <> c.attributes
      or i.email is not null and not t."emailTaken" and coalesce(c.email, '') <> i.email
      or i."companyId" is distinct from c."companyId" and i."companyId" is not null
      or c."lastSeenAt" < now() - interval '${LAST_SEEN_GRANULARITY}', false
    ) as "needsWrite"
  from input i
  left join contacts c on c."environmentId" = i."environmentId" and c."userId" = i."userId"
  cross join lateral (
    select i.email is not null and i.email <> '' and exists (
      select 1 from contacts o
      where o."environmentId" = i."environmentId" and o.email = i.email and o."userId" is distinct from i."userId"
    ) as "emailTaken"
  ) t
), updated as (
  update contacts c set
    attributes = case when f.patch is null then c.attributes else jsonb_strip_nulls(c.attributes || f.patch) end,
    email = case when f.email is null or f."emailTaken" then c.email else nullif(f.email, '') end,
    "companyId" = coalesce(f."companyId", c."companyId"),
    "attributeTimes" = c."attributeTimes" || (
      select coalesce(jsonb_object_agg(k.key, (extract(epoch from now()) * 1000)::bigint), '{}')
      from (
        select p.key from jsonb_each(f.patch) p where c.attributes -> p.key is distinct from nullif(p.value, 'null')
        union all select 'email' where f.email is not null and not f."emailTaken" and coalesce(c.email, '') <> f.email
        union all select '${COMPANY_TIME}' where f."companyId" <> coalesce(c."companyId", '')
      ) k
    ),
    "lastSeenAt" = now(),
    "updatedAt" = case
      when not c.attributes @> f.patch and jsonb_strip_nulls(c.attributes || f.patch) <> c.attributes
        or f.email is not null and not f."emailTaken" and coalesce(c.email, '') <> f.email
        or f."companyId" <> coalesce(c."companyId", '')
      then now() else c."updatedAt" end
  from found f
  where f."needsWrite" and c."environmentId" = f."environmentId" and c."userId" = f."userId"
  returning f.position, c.id, c.email, c.attributes, c."companyId"
), inserted as (
  insert into contacts as c ("environmentId", id, "userId", email, attributes, "companyId", "updatedAt")
  select f."environmentId", f."newId", f."userId", case when f."emailTaken" then null else nullif(f.email, '') end,
    jsonb_strip_nulls(coalesce(f.patch, '{}')), f."companyId", now()
  from found f where f.id is null
  on conflict ("environmentId", "userId") do update set
    attributes = c.attributes || excluded.attributes,
    email = coalesce(excluded.email, c.email),
    "companyId" = coalesce(excluded."companyId", c."companyId"),
    "lastSeenAt" = now(), "updatedAt" = now()
  returning "environmentId", "userId", id, email, attributes, "companyId"
)
select coalesce(u.id, n.id, f.id) as id,
  f.id is null and n.id = f."newId" as "isNew",
  case when u.id is not null then u.email when n.id is not null then n.email else f."storedEmail" end as email,
  coalesce(u.attributes, n.attributes, f.attributes) as attributes,
  coalesce(u."companyId", n."companyId", f."storedCompanyId") as "companyId",
  f."emailTaken", f."needsWrite" and u.id is null as "isStale",${history('f."environmentId"', "f.id")}${
    withFacts
      ? facts('f."environmentId"', "f.id", 'coalesce(u."companyId", n."companyId", f."storedCompanyId")', 'f."eventQueries"')
      : ""
  }
from found f
left join updated u on u.position = f.position
left join inserted n on n."environmentId" = f."environmentId" and n."userId" = f."userId"
order by f.position`;

export const FIND = { name: "identify_find", text: findText({ withFacts: false }) };
export const FIND_WITH_FACTS = { name: "identify_find_with_facts", text: findText({ withFacts: true }) };

export const IDENTIFY = { name: "identify", text: identifyText({ withFacts: false }) };

/** The same for contacts whose company and events are read too: `$7` is a JSON array of each item's {@link EventQuery}s. */
export const IDENTIFY_WITH_FACTS = { name: "identify_with_facts", text: identifyText({ withFacts: true }) };

/** Every event that the queries name, for contacts whose events exceed {@link HISTORY_LIMIT}; `$3` as in the statement above. */
export const ALL_EVENTS = {
  name: "identify_all_events",
  text: `
select e.name, date_part('epoch', "occurredAt") * 1000 as "occurredAt", (
    select jsonb_object_agg(p, e.properties -> p) from jsonb_array_elements_text(q.properties) p where e.properties ? p
  ) as properties
from jsonb_to_recordset($3::jsonb) as q(name text, since float8, properties jsonb)
join events e on e."environmentId" = $1 and e."contactId" = $2 and e.name = q.name
  and e."occurredAt" >= coalesce(to_timestamp(q.since / 1000), '-infinity')
order by e."occurredAt" desc`,
};

/**
 * The surveys of a contact whose displays or responses exceed {@link HISTORY_LIMIT}, each with its newest display,
 * response and finished response, so that no survey is forgotten however much came after it.
 */
export const HISTORY_BY_SURVEY = {
  name: "history_by_survey",
  text: `
select "surveyId", max(at) filter (where kind = 'display') as display,
  max(at) filter (where kind <> 'display') as response, max(at) filter (where kind = 'finished') as finished
from (
  select "surveyId", 'display' as kind, date_part('epoch', "createdAt") * 1000 as at
  from displays where "environmentId" = $1 and "contactId" = $2
  union all
  select "surveyId", case when finished then 'finished' else 'started' end, date_part('epoch', "createdAt") * 1000
  from responses where "environmentId" = $1 and "contactId" = $2
) history
group by "surveyId"`,
};

export interface SurveyHistoryRow {
  surveyId: string;
  /** Milliseconds since the epoch of the newest one; null when there is none. */
  display: number | null;
  response: number | null;
  finished: number | null;
}

/** The parameters of {@link FIND}. */
export const findValues = (items: readonly IdentifyItem[]): unknown[] => [
  items.map(({ environmentId }) => environmentId),
  items.map(({ userId }) => userId),
];

/** The parameters of {@link FIND_WITH_FACTS}. */
export const findWithFactsValues = (items: readonly IdentifyItem[]): unknown[] => [...findValues(items), queriesOf(items)];

/**
 * The parameters of {@link IDENTIFY}.
 * @param newId the id of each contact that has to be created
 */
export const identifyValues = (items: readonly IdentifyItem[], newId: () => string): unknown[] => [
  ...findValues(items),
  items.map(newId),
  items.map(({ email }) => (email === undefined ? null : (email ?? ""))),
  JSON.stringify(items.map(({ patch }) => (isEmpty(patch) ? null : patch))),
  items.map(({ companyId }) => companyId),
];

/** The parameters of {@link IDENTIFY_WITH_FACTS}. */
export const identifyWithFactsValues = (items: readonly IdentifyItem[], newId: () => string): unknown[] => [
  ...identifyValues(items, newId),
  queriesOf(items),
];

const queriesOf = (items: readonly IdentifyItem[]): string => JSON.stringify(items.map(({ eventQueries }) => eventQueries ?? []));

/**
 * What the item makes of the contact that was found, when that needs no writing; else null. May ask for a write that
 * then finds nothing to do.
 */
export function unchangedRow({ email, patch, companyId }: IdentifyItem, found: FoundRow): IdentifiedRow | null {
  const { id, isSeenLongAgo, attributes } = found;
  if (id === null || isSeenLongAgo) return null;
  if (email !== undefined && email !== found.email) return null;
  if (companyId !== null && companyId !== found.companyId) return null;
  for (const key in patch) if (attributes[key] !== (patch[key] ?? undefined)) return null;
  return { ...found, id, isNew: false, emailTaken: false, isStale: false };
}

function isEmpty(patch: object): boolean {
  for (const _key in patch) return false;
  return true;
}
