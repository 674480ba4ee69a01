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
  company?: { id: string; attributes: Record<string, AttributeValue> } | null | undefined;
  /** `[name, occurredAt, properties]`, newest first per name; only where asked for. */
  events?: [string, number, Record<string, unknown> | null][] | null | undefined;
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

/** A contact as it was created. */
export type CreatedRow = Pick<ContactRow, "id" | "email" | "attributes" | "companyId" | "company">;

/** A contact as it was changed. */
export interface UpdatedRow extends CreatedRow {
  /** Which of the items, from 1. */
  position: number;
  /** The address belongs to another contact of the environment; it was left out and everything else was applied. */
  emailTaken: boolean;
}

/** A contact as identify leaves it. */
export interface IdentifiedRow extends ContactRow {
  isNew: boolean;
  /** Of the contact, where it took over the one that was asked for; else absent. */
  userId?: string;
  /** See {@link UpdatedRow}. */
  emailTaken: boolean;
}

/** How many of a contact's displays, and of its responses, one identify reads: the newest ones. */
export const HISTORY_LIMIT = 1_000;

/** How old `lastSeenAt` may get before an identify that changes nothing else writes it. */
const LAST_SEEN_GRANULARITY = "1 hour";

/** The key in `attributeTimes` under which the time of a contact's last change of company is kept. */
export const COMPANY_TIME = "$company";

/** `date_part` and not `extract`, whose numbers of any length take several times as long. */
const MILLISECONDS = `(date_part('epoch', "createdAt") * 1000)::bigint`;

/** The columns with what is read of the past of the contact `c`, by index only. */
const HISTORY = `
  (select json_agg(json_build_array(x."surveyId", x.at)) from (
    select "surveyId", ${MILLISECONDS} as at from displays
    where "environmentId" = c."environmentId" and "contactId" = c.id
    order by "createdAt" desc, "surveyId" limit ${HISTORY_LIMIT}
  ) x) as displays,
  (select json_agg(json_build_array(x."surveyId", x.at, x.finished)) from (
    select "surveyId", ${MILLISECONDS} as at, finished from responses
    where "environmentId" = c."environmentId" and "contactId" = c.id
    order by "createdAt" desc, "surveyId" limit ${HISTORY_LIMIT}
  ) x) as responses`;

/** The column with the company of the contact `c`. */
const COMPANY = `(select json_build_object('id', o."companyId", 'attributes', o.attributes) from companies o
  where o."environmentId" = c."environmentId" and o.id = c."companyId") as company`;

/** The column with those of the events of the contact `c` that the queries of the item `i` name. */
const EVENTS = `
  (select json_agg(json_build_array(q.name, e.at, e.properties))
   from jsonb_to_recordset(i."eventQueries") as q(name text, since float8, properties jsonb), lateral (
     select (date_part('epoch', "occurredAt") * 1000)::bigint as at, (
       select jsonb_object_agg(p, e.properties -> p) from jsonb_array_elements_text(q.properties) p where e.properties ? p
     ) as properties
     from events e
     where e."environmentId" = c."environmentId" and e."contactId" = c.id and e.name = q.name
       and e."occurredAt" >= coalesce(to_timestamp(q.since / 1000), '-infinity')
     order by "occurredAt" desc limit ${HISTORY_LIMIT}
   ) e) as events`;

/**
 * Reads contacts, in one statement over arrays with one entry per item: environment id, user id, and with facts a JSON
 * array of each item's {@link EventQuery}s. Answers in the order of the items. Most identifies change nothing and end here.
 */
const findText = ({ withFacts }: { withFacts: boolean }) => `
select c.id, c.email, c.attributes, c."companyId", c."lastSeenAt" < now() - interval '${LAST_SEEN_GRANULARITY}' as "isSeenLongAgo",
  ${HISTORY}${withFacts ? `, ${COMPANY}, ${EVENTS}` : ""}
from rows from (
  unnest($1::text[], $2::text[])${withFacts ? ", jsonb_array_elements($3::jsonb)" : ""}
) with ordinality as i("environmentId", "userId"${withFacts ? ', "eventQueries"' : ""}, position)
left join contacts c on c."environmentId" = i."environmentId" and c."userId" = i."userId"
order by i.position`;

/** Whether the address of the item `i` belongs to another contact. */
const EMAIL_TAKEN = `
cross join lateral (
  select i.email is not null and i.email <> '' and exists (
    select 1 from contacts o
    where o."environmentId" = i."environmentId" and o.email = i.email and o."userId" is distinct from i."userId"
  ) as "emailTaken"
) t`;

const writtenColumns = (withCompany: boolean) => `c.id, c.email, c.attributes, c."companyId"${withCompany ? `, ${COMPANY}` : ""}`;

/**
 * Merges changes into contacts that exist, in one statement over arrays: environment id, user id, e-mail (null: leave,
 * '': remove), company id (null: leave), whether more changes than `lastSeenAt`, and as JSON arrays the patches and the
 * times at which their changed keys were set. A contact that was deleted meanwhile is not among the answers. Items must
 * name different contacts, sorted by environment and user id so that two statements lock in the same order.
 *
 * What runs at the same time is merged, not overwritten: the update works on the row as it is then (read committed).
 */
const updateText = ({ withCompany }: { withCompany: boolean }) => `
update contacts c set
  attributes = jsonb_strip_nulls(c.attributes || i.patch),
  email = case when i.email is null or i."emailTaken" then c.email else nullif(i.email, '') end,
  "companyId" = coalesce(i."companyId", c."companyId"),
  "attributeTimes" = c."attributeTimes" || case when i."emailTaken" then i.times - 'email' else i.times end,
  "lastSeenAt" = now(),
  "updatedAt" = case when i.changes then now() else c."updatedAt" end
from (
  select i.*, t."emailTaken" from rows from (
    unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::bool[]), jsonb_array_elements($6::jsonb), jsonb_array_elements($7::jsonb)
  ) with ordinality as i("environmentId", "userId", email, "companyId", changes, patch, times, position)${EMAIL_TAKEN}
) i
where c."environmentId" = i."environmentId" and c."userId" = i."userId"
returning i.position::int, i."emailTaken", ${writtenColumns(withCompany)}`;

/**
 * Whether the user id of the item `i` leads to no other contact. Whoever makes contacts of user ids asks for it. Not as an
 * EXISTS, which the planner may turn into one pass over all aliases.
 */
export const isOfNobodyElse = (environmentId: string): string =>
  `(select m.id from contact_aliases m where m."environmentId" = ${environmentId} and m."userId" = i."userId") is null`;

/**
 * Creates contacts, in one statement over arrays: environment id, user id, e-mail (null or '': none), company id, their
 * own ids, and as a JSON array the patches. One that exists by now is left as it is and is not among the answers, nor is
 * one that was merged into another. The items' order is as above.
 */
const createText = ({ withCompany }: { withCompany: boolean }) => `
insert into contacts as c ("environmentId", id, "userId", email, attributes, "companyId", "updatedAt")
select i."environmentId", i.id, i."userId", case when t."emailTaken" then null else nullif(i.email, '') end,
  jsonb_strip_nulls(i.patch), i."companyId", now()
from rows from (
  unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[]), jsonb_array_elements($6::jsonb)
) with ordinality as i("environmentId", "userId", email, "companyId", id, patch, position)${EMAIL_TAKEN}
where ${isOfNobodyElse('i."environmentId"')}
order by i.position
on conflict ("environmentId", "userId") do nothing
returning ${writtenColumns(withCompany)}`;

export const FIND = { name: "identify_find", text: findText({ withFacts: false }) };
export const FIND_WITH_FACTS = { name: "identify_find_with_facts", text: findText({ withFacts: true }) };

export const UPDATE = { name: "identify_update", text: updateText({ withCompany: false }) };
export const UPDATE_WITH_COMPANY = { name: "identify_update_with_company", text: updateText({ withCompany: true }) };
export const CREATE = { name: "identify_create", text: createText({ withCompany: false }) };
export const CREATE_WITH_COMPANY = { name: "identify_create_with_company", text: createText({ withCompany: true }) };

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

/** A contact to change, with the time (milliseconds since the epoch) at which each changed key is set. */
export interface Change {
  item: IdentifyItem;
  times: Readonly<Record<string, number>>;
}

/** The parameters of {@link UPDATE}. */
export const updateValues = (changes: readonly Change[]): unknown[] => {
  const items = changes.map(({ item }) => item);
  return [
    ...contactValues(items),
    changes.map(({ times }) => !isEmpty(times)),
    JSON.stringify(items.map(({ patch }) => patch)),
    JSON.stringify(changes.map(({ times }) => times)),
  ];
};

/** The parameters of {@link CREATE}; `ids` are those of the new contacts. */
export const createValues = (items: readonly IdentifyItem[], ids: readonly string[]): unknown[] => [
  ...contactValues(items),
  ids,
  JSON.stringify(items.map(({ patch }) => patch)),
];

const contactValues = (items: readonly IdentifyItem[]): unknown[] => [
  ...findValues(items),
  items.map(({ email }) => (email === undefined ? null : (email ?? ""))),
  items.map(({ companyId }) => companyId),
];

const queriesOf = (items: readonly IdentifyItem[]): string => JSON.stringify(items.map(({ eventQueries }) => eventQueries ?? []));

/**
 * What identifying the contact that was found changes: the keys of its attributes, `email` and {@link COMPANY_TIME}, each
 * with the time `now`; null when nothing has to be written.
 */
export function timesOfChange({ email, patch, companyId }: IdentifyItem, found: FoundRow, now: number): Change["times"] | null {
  const { attributes } = found;
  const changed: string[] = [];
  for (const key in patch) if (attributes[key] !== (patch[key] ?? undefined)) changed.push(key);
  if (email !== undefined && email !== found.email) changed.push("email");
  if (companyId !== null && companyId !== found.companyId) changed.push(COMPANY_TIME);
  if (changed.length === 0 && !found.isSeenLongAgo) return null;
  const times: Record<string, number> = Object.create(null); // keys are the customer's: `__proto__` is one like others
  for (const key of changed) times[key] = now;
  return times;
}

function isEmpty(patch: object): boolean {
  for (const _key in patch) return false;
  return true;
}
