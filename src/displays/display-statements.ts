/** How long (seconds) a display of the same survey to the same contact counts as the same one sent again. */
const SAME_DISPLAY_SECONDS = 2;

/**
 * What a contact has been shown a moment ago. The survey is left to the caller: by it, the planner would read every
 * recent display of the survey, which may be thousands, instead of the contact's own.
 */
const recentDisplays = (environmentId: string, contactId: string): string => `(
    select d.id, d."surveyId", d."contactId", d."createdAt" from displays d
    where d."environmentId" = ${environmentId} and d."contactId" = ${contactId}
      and d."createdAt" > now() - interval '${SAME_DISPLAY_SECONDS} seconds'
    offset 0
  )`;

/** The request key of a display for which the client gives none; null when it is nobody's. */
const nearKey = (surveyId: string, contactId: string): string =>
  `'near:' || ${surveyId} || ':' || ${contactId} || ':' || floor(date_part('epoch', now()) / ${SAME_DISPLAY_SECONDS})`;

/**
 * Stores a display, once: a request that was sent again is answered with the display it made. Parameters: environment
 * id, new id, survey id, contact id or null (one that is not there is left out), user id or null (created if missing), both
 * of the contact itself or of one that was merged into it, the contact's id if it has to be created, request key or null.
 *
 * Two that run at once do not see each other's rows; they meet in the unique request key, which without one from the
 * client names survey, contact and the moment.
 */
export const CREATE_DISPLAY = {
  name: "create_display",
  text: `
with known as (
  select "contactId" as id from contact_aliases where "environmentId" = $1::text and id = $4::text
  union all
  select "contactId" from contact_aliases where "environmentId" = $1 and "userId" = $5::text
  union all
  select id from contacts where "environmentId" = $1 and id = $4::text
  union all
  select id from contacts where "environmentId" = $1 and "userId" = $5::text
  limit 1
), made as (
  insert into contacts ("environmentId", id, "userId", "updatedAt")
  select $1, $6::text, $5::text, now() where $5::text is not null and not exists (select from known)
  on conflict ("environmentId", "userId") do update set "lastSeenAt" = now()
  returning id
), contact as (
  select id from known union all select id from made
), earlier as (
  (select id, "surveyId", "contactId" from displays where "environmentId" = $1 and "requestKey" = $7::text)
  union all
  (select d.id, d."surveyId", d."contactId" from contact c cross join lateral ${recentDisplays("$1", "c.id")} d
   where $7::text is null and d."surveyId" = $3::text
   order by d."createdAt" limit 1)
), inserted as (
  insert into displays as d ("environmentId", id, "surveyId", "contactId", "requestKey", "updatedAt")
  select $1, $2::text, $3::text, c.id,
    coalesce($7::text, ${nearKey("$3::text", "c.id")}), now()
  from (select (select id from contact) as id) c
  where not exists (select from earlier)
  on conflict ("environmentId", "requestKey") do update set "updatedAt" = d."updatedAt"
  returning id, "surveyId", "contactId"
)
select * from earlier union all select * from inserted`,
};

/**
 * The same for many at once, but without making contacts: a display that would need one, and one that meets another that
 * is being stored, is not among the answers. Parameters are lists: environment ids, new ids, survey ids, contact ids,
 * user ids, request keys.
 */
export const CREATE_DISPLAYS = {
  name: "create_displays",
  text: `
with i as (
  select i.*, coalesce(
      (select m."contactId" from contact_aliases m where m."environmentId" = i."environmentId" and m.id = i."contactId"),
      (select m."contactId" from contact_aliases m where m."environmentId" = i."environmentId" and m."userId" = i."userId"),
      a.id, b.id) as "viewerId"
  from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[]) with ordinality
    as i("environmentId", id, "surveyId", "contactId", "userId", "requestKey", position)
  left join contacts a on a."environmentId" = i."environmentId" and a.id = i."contactId"
  left join contacts b on b."environmentId" = i."environmentId" and b."userId" = i."userId"
), earlier as (
  select i.position, d.id, d."surveyId", d."contactId"
  from i join displays d on d."environmentId" = i."environmentId" and d."requestKey" = i."requestKey"
  union all
  select i.position, d.id, d."surveyId", d."contactId" from i cross join lateral (
    select d.* from ${recentDisplays('i."environmentId"', 'i."viewerId"')} d
    where i."requestKey" is null and d."surveyId" = i."surveyId"
    order by d."createdAt" limit 1
  ) d
), inserted as (
  insert into displays ("environmentId", id, "surveyId", "contactId", "requestKey", "updatedAt")
  select i."environmentId", i.id, i."surveyId", i."viewerId",
    coalesce(i."requestKey", ${nearKey('i."surveyId"', 'i."viewerId"')}), now()
  from i
  where (i."userId" is null or i."viewerId" is not null) and not exists (select from earlier e where e.position = i.position)
  order by i.position
  on conflict ("environmentId", "requestKey") do nothing
  returning id, "surveyId", "contactId"
)
select e.position::int, e.id, e."surveyId", e."contactId" from earlier e
union all
select i.position::int, n.id, n."surveyId", n."contactId" from inserted n join i on i.id = n.id`,
};

export interface DisplayRow {
  id: string;
  surveyId: string;
  contactId: string | null;
}

/** The response that a display led to. Parameters: environment id, display id. */
export const RESPONSE_OF_DISPLAY = {
  name: "response_of_display",
  text: `
select r.id as "responseId" from displays d
left join responses r on r."environmentId" = d."environmentId" and r."displayId" = d.id
where d."environmentId" = $1 and d.id = $2`,
};

/** A display as webhooks are told of it. Parameters: environment id, display id. */
export const TELL_DISPLAY = {
  name: "tell_display",
  text: `
select d.id, to_char(d."createdAt" at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as "createdAt", d."surveyId",
  case when c.id is not null then json_build_object('id', c.id, 'userId', c."userId") end as contact
from displays d
left join contacts c on c."environmentId" = d."environmentId" and c.id = d."contactId"
where d."environmentId" = $1 and d.id = $2`,
};
