import type { AttributeValue } from "../shared/attributes.ts";

/** One company to find or create. */
export interface CompanyItem {
  environmentId: string;
  /** The customer's id for it. */
  companyId: string;
  /** Our id if it has to be created. */
  newId: string;
  /** Attributes to merge; null removes one. */
  patch: Readonly<Record<string, AttributeValue | null>>;
}

/** What the database answers for an item. */
export interface CompanyRow {
  id: string;
  isNew: boolean;
  attributes: Record<string, AttributeValue>;
  /** The company changed under the statement's hands; the item must be sent again. */
  isStale: boolean;
}

/**
 * Finds or creates companies and merges their changed attributes, in one statement over arrays (one entry per item):
 * environment id, customer's id, new id, and the patches as one JSON array. Items must name different companies, sorted
 * by environment and id so that two statements lock in the same order. A company that is as it should be is not written.
 */
export const IDENTIFY_COMPANIES = {
  name: "identify_companies",
  text: `
with input as (
  select * from rows from (unnest($1::text[], $2::text[], $3::text[]), jsonb_array_elements($4::jsonb))
    with ordinality as i("environmentId", "companyId", "newId", patch, position)
), found as (
  select i.*, o.id, o.attributes,
    o.id is not null and not o.attributes @> i.patch and jsonb_strip_nulls(o.attributes || i.patch) <> o.attributes as "needsWrite"
  from input i
  left join companies o on o."environmentId" = i."environmentId" and o."companyId" = i."companyId"
), updated as (
  update companies o set
    attributes = jsonb_strip_nulls(o.attributes || f.patch),
    "attributeTimes" = o."attributeTimes" || (
      select coalesce(jsonb_object_agg(p.key, (extract(epoch from now()) * 1000)::bigint), '{}') from jsonb_each(f.patch) p
      where o.attributes -> p.key is distinct from nullif(p.value, 'null')
    ),
    "updatedAt" = now()
  from found f
  where f."needsWrite" and o."environmentId" = f."environmentId" and o."companyId" = f."companyId"
  returning f.position, o.id, o.attributes
), inserted as (
  insert into companies as o ("environmentId", id, "companyId", attributes, "updatedAt")
  select f."environmentId", f."newId", f."companyId", jsonb_strip_nulls(f.patch), now() from found f where f.id is null
  on conflict ("environmentId", "companyId") do update set attributes = o.attributes || excluded.attributes, "updatedAt" = now()
  returning "environmentId", "companyId", id, attributes
)
select coalesce(u.id, n.id, f.id) as id,
  f.id is null and n.id = f."newId" as "isNew",
  coalesce(u.attributes, n.attributes, f.attributes) as attributes,
  f."needsWrite" and u.id is null as "isStale"
from found f
left join updated u on u.position = f.position
left join inserted n on n."environmentId" = f."environmentId" and n."companyId" = f."companyId"
order by f.position`,
};

/** The statement's parameters for the items. */
export const companyValues = (items: readonly CompanyItem[]): unknown[] => [
  items.map(({ environmentId }) => environmentId),
  items.map(({ companyId }) => companyId),
  items.map(({ newId }) => newId),
  JSON.stringify(items.map(({ patch }) => patch)),
];

/** A value is written only if it was set later than the one the company has. */
const newer = (result: string) =>
  `(select coalesce(jsonb_object_agg(p.key, ${result}), '{}') from jsonb_each(o_new.attributes) p
    where (o_new.times ->> p.key)::float8 >= coalesce((o."attributeTimes" ->> p.key)::float8,
      case when o.attributes ? p.key then extract(epoch from o."createdAt") * 1000 else 0 end))`;

/**
 * Finds or creates companies of one environment and merges what is known of them from the past. Parameters: environment
 * id, customer's ids, new ids, patches as one JSON array, and when each value was set, likewise (key → ms).
 */
export const MERGE_COMPANY_HISTORY = `
with input as (
  select * from rows from (unnest($2::text[], $3::text[]), jsonb_array_elements($4::jsonb), jsonb_array_elements($5::jsonb))
    as o_new("companyId", "newId", attributes, times)
), created as (
  insert into companies ("environmentId", id, "companyId", attributes, "attributeTimes", "updatedAt")
  select $1, "newId", "companyId", jsonb_strip_nulls(attributes), times, now() from input
  on conflict ("environmentId", "companyId") do nothing
  returning id, "companyId"
), updated as (
  update companies o set
    attributes = jsonb_strip_nulls(o.attributes || ${newer("p.value")}),
    "attributeTimes" = o."attributeTimes" || ${newer("o_new.times -> p.key")},
    "updatedAt" = now()
  from input o_new where o."environmentId" = $1 and o."companyId" = o_new."companyId"
  returning o.id, o."companyId"
)
select id, "companyId" from created union all select id, "companyId" from updated`;
