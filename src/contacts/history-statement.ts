import type { AttributeValue } from "../shared/attributes.ts";
import { COMPANY_TIME, isOfNobodyElse } from "./identify-statement.ts";

/** What is known from the past of one contact. Times are milliseconds since the epoch. */
export interface HistoryItem {
  userId: string;
  newId: string;
  /** null: removed then; undefined: nothing known. */
  email: string | null | undefined;
  emailAt: number;
  companyId: string | null;
  companyAt: number;
  patch: Record<string, AttributeValue | null>;
  /** When each value of `patch` was set. */
  times: Record<string, number>;
  firstSeenAt: number;
  lastSeenAt: number;
}

const INPUT = `
with input as (
  select * from rows from (
    unnest($2::text[], $3::text[], $4::text[], $5::float8[], $6::text[], $7::float8[], $8::float8[], $9::float8[]),
    jsonb_array_elements($10::jsonb), jsonb_array_elements($11::jsonb)
  ) as i("userId", "newId", email, "emailAt", "companyId", "companyAt", "firstSeenAt", "lastSeenAt", patch, times)
)`;

/** When the contact's value was set, as far as is known; see the model in prisma/schema.prisma. */
const setAt = (key: string, isSet: string) =>
  `coalesce((c."attributeTimes" ->> ${key})::float8, case when ${isSet} then extract(epoch from c."createdAt") * 1000 else 0 end)`;

const newer = (result: string) =>
  `(select coalesce(jsonb_object_agg(p.key, ${result}), '{}') from jsonb_each(i.patch) p
    where (i.times ->> p.key)::float8 >= ${setAt("p.key", "c.attributes ? p.key")})`;

const TAKES_EMAIL = `(i.email is not null and i."emailAt" >= ${setAt("'email'", "c.email is not null")} and not exists (
  select 1 from contacts o where o."environmentId" = $1 and o.email = nullif(i.email, '') and o."userId" is distinct from i."userId"))`;

const TAKES_COMPANY = `(i."companyId" is not null and i."companyAt" >= ${setAt(`'${COMPANY_TIME}'`, `c."companyId" is not null`)})`;

/**
 * Merges what is known from the past into contacts that exist: a value is written only if it was set later than the one
 * the contact has. Parameters: environment id, then an array per field of {@link HistoryItem}.
 */
export const MERGE_HISTORY = `${INPUT}
update contacts c set
  attributes = jsonb_strip_nulls(c.attributes || ${newer("p.value")}),
  email = case when ${TAKES_EMAIL} then nullif(i.email, '') else c.email end,
  "companyId" = case when ${TAKES_COMPANY} then i."companyId" else c."companyId" end,
  "attributeTimes" = c."attributeTimes" || ${newer("i.times -> p.key")}
    || case when ${TAKES_EMAIL} then jsonb_build_object('email', i."emailAt") else '{}' end
    || case when ${TAKES_COMPANY} then jsonb_build_object('${COMPANY_TIME}', i."companyAt") else '{}' end,
  "firstSeenAt" = least(c."firstSeenAt", to_timestamp(i."firstSeenAt" / 1000)),
  "lastSeenAt" = greatest(c."lastSeenAt", to_timestamp(i."lastSeenAt" / 1000)),
  "updatedAt" = now()
from input i where c."environmentId" = $1 and c."userId" = i."userId"
returning c."userId"`;

/** Makes the contacts that do not exist; one that another call makes at the same time is left to it, one that was merged is not made. */
export const CREATE_FROM_HISTORY = `${INPUT}
insert into contacts ("environmentId", id, "userId", email, "companyId", attributes, "attributeTimes", "firstSeenAt", "lastSeenAt", "updatedAt")
select $1, i."newId", i."userId",
  case when not exists (select 1 from contacts o where o."environmentId" = $1 and o.email = i.email) then nullif(i.email, '') end,
  i."companyId", jsonb_strip_nulls(i.patch),
  i.times || jsonb_build_object('email', i."emailAt", '${COMPANY_TIME}', i."companyAt"),
  to_timestamp(i."firstSeenAt" / 1000), to_timestamp(i."lastSeenAt" / 1000), now()
from input i where ${isOfNobodyElse("$1")}
on conflict ("environmentId", "userId") do nothing
returning "userId"`;

export const historyValues = (environmentId: string, items: readonly HistoryItem[]): unknown[] => [
  environmentId,
  items.map(({ userId }) => userId),
  items.map(({ newId }) => newId),
  items.map(({ email }) => (email === undefined ? null : (email ?? ""))),
  items.map(({ emailAt }) => emailAt),
  items.map(({ companyId }) => companyId),
  items.map(({ companyAt }) => companyAt),
  items.map(({ firstSeenAt }) => firstSeenAt),
  items.map(({ lastSeenAt }) => lastSeenAt),
  JSON.stringify(items.map(({ patch }) => patch)),
  JSON.stringify(items.map(({ times }) => times)),
];
