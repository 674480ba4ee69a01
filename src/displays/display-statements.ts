/** How long (seconds) a display of the same survey to the same contact counts as the same one sent again. */
const SAME_DISPLAY_SECONDS = 2;

/**
 * Stores a display, once: a request that was sent again is answered with the display it made. Parameters: environment
 * id, new id, survey id, contact id or null (one that is not there is left out), user id or null (created if missing),
 * of the contact itself or of one that was merged into it,
 * the contact's id if it has to be created, request key or null.
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
  (select d.id, d."surveyId", d."contactId" from displays d join contact c on d."contactId" = c.id
   where $7::text is null and d."environmentId" = $1 and d."surveyId" = $3::text
     and d."createdAt" > now() - interval '${SAME_DISPLAY_SECONDS} seconds'
   order by d."createdAt" limit 1)
), inserted as (
  insert into displays as d ("environmentId", id, "surveyId", "contactId", "requestKey", "updatedAt")
  select $1, $2::text, $3::text, c.id,
    coalesce($7::text, 'near:' || $3::text || ':' || c.id || ':' || floor(extract(epoch from now()) / ${SAME_DISPLAY_SECONDS})), now()
  from (select (select id from contact) as id) c
  where not exists (select from earlier)
  on conflict ("environmentId", "requestKey") do update set "updatedAt" = d."updatedAt"
  returning id, "surveyId", "contactId"
)
select * from earlier union all select * from inserted`,
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
