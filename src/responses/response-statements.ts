/** The statements of responses. Each writes what follows from the write (the outbox) along with it. */
import type { Transaction } from "../db/database.ts";
import type { ResponseData } from "./answer-values.ts";
import type { ResponseVariables, TimesToCompletion } from "./response-values.ts";

/** A date as every contract shows it. */
const iso = (date: string): string => `to_char(${date} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`;

/**
 * The response as events tell of it. `contact` and `tags` are SQL expressions for its contact (JSON with id and userId,
 * or null) and its tags (a list), `survey` is the parameter with the survey's title, type, status and dates.
 */
const payload = ({ contact, tags, survey }: { contact: string; tags: string; survey: string }): string => `
  jsonb_build_object('id', r.id, 'createdAt', ${iso('r."createdAt"')}, 'updatedAt', ${iso('r."updatedAt"')},
    'surveyId', r."surveyId", 'displayId', r."displayId", 'finished', r.finished, 'endingId', r."endingId",
    'data', r.data, 'variables', r.variables, 'ttc', r.ttc, 'meta', r.meta, 'contact', ${contact},
    'contactAttributes', r."contactAttributes", 'singleUseId', r."singleUseId", 'language', r.language,
    'tags', ${tags}, 'survey', ${survey}::jsonb)`;

/**
 * Stores responses, each unless something stands in its way, with their events, in one statement over a JSON list of
 * {@link ResponseToStore}; answers a {@link CreateVerdict} for each, in their order. The contact is named by its id or its
 * user id, or those of one that was merged into it; one that is not there is left out. Its attributes are kept as they are
 * now, as text. Dates that are null are now; without a date of change it is that of creation.
 *
 * What is in the way is looked up by scalar queries: for `exists` the planner would hash all responses there are.
 */
const CREATE_RESPONSES = {
  name: "create_responses",
  text: `
with i as (
  select i.*, item.position from jsonb_array_elements($1::jsonb) with ordinality as item(value, position),
  jsonb_to_record(item.value) as i(
    "environmentId" text, id text, "surveyId" text, "contactId" text, "userId" text, "displayId" text, "requestKey" text,
    "requestHash" text, "singleUseId" text, finished boolean, "endingId" text, language text, data jsonb, variables jsonb,
    ttc jsonb, meta jsonb, "createdAt" timestamptz, "updatedAt" timestamptz, survey jsonb, "eventIds" jsonb, "eventTypes" jsonb)
), judged as (
  select i.*, coalesce(a.id, b.id) as "respondentId", coalesce(a."userId", b."userId") as "respondentUserId",
    coalesce(a.email, b.email) as email, coalesce(a.attributes, b.attributes) as attributes,
    case
      when (select r.id from responses r where r."environmentId" = i."environmentId" and r."requestKey" = i."requestKey") is not null
        then 'repeated'
      when i."displayId" is null then null
      when d.id is null then 'missing'
      when d."surveyId" <> i."surveyId" then 'survey'
      when (select r.id from responses r where r."environmentId" = i."environmentId" and r."displayId" = i."displayId") is not null
        then 'linked'
      when d."contactId" <> coalesce(a.id, b.id, '') then 'contact'
    end as obstacle
  from i
  left join contacts a on a."environmentId" = i."environmentId" and a.id = coalesce(
    (select m."contactId" from contact_aliases m where m."environmentId" = i."environmentId" and m.id = i."contactId"),
    (select m."contactId" from contact_aliases m where m."environmentId" = i."environmentId" and m."userId" = i."userId"),
    i."contactId")
  left join contacts b on b."environmentId" = i."environmentId" and b."userId" = i."userId"
  left join displays d on d."environmentId" = i."environmentId" and d.id = i."displayId"
), inserted as (
  insert into responses ("environmentId", id, "surveyId", "contactId", "displayId", "requestKey", "requestHash", "singleUseId",
    finished, "endingId", language, data, variables, ttc, meta, "contactAttributes", "createdAt", "updatedAt")
  select "environmentId", id, "surveyId", "respondentId", "displayId", "requestKey", "requestHash", "singleUseId",
    finished, "endingId", language, data, variables, ttc, meta,
    case when "respondentId" is not null then (select coalesce(jsonb_object_agg(key, value), '{}') from jsonb_each_text(
      attributes || jsonb_strip_nulls(jsonb_build_object('userId', "respondentUserId", 'email', email)))) end,
    coalesce("createdAt", now()), coalesce("updatedAt", "createdAt", now())
  from judged where obstacle is null order by position
  returning *
), told as materialized (
  select r."environmentId", r.id, r."surveyId", j."eventIds", j."eventTypes", ${payload({
    contact: `case when r."contactId" is not null then jsonb_build_object('id', r."contactId", 'userId', j."respondentUserId") end`,
    tags: "'[]'::jsonb",
    survey: "j.survey",
  })} as payload
  from judged j join inserted r on r."environmentId" = j."environmentId" and r.id = j.id
  where j."eventIds" <> '[]'
), events as (
  insert into outbox_events ("environmentId", id, type, "surveyId", "responseId", payload)
  select t."environmentId", e.id, e.type::response_event_type, t."surveyId", t.id, t.payload
  from told t
  cross join rows from (jsonb_array_elements_text(t."eventIds"), jsonb_array_elements_text(t."eventTypes")) as e(id, type)
)
select obstacle from judged order by position`,
};

/** A response as it is to be stored. */
export interface ResponseToStore extends ResponseEvents {
  environmentId: string;
  id: string;
  surveyId: string;
  contactId: string | null;
  userId: string | null;
  displayId: string | null;
  requestKey: string | null;
  requestHash: string | null;
  singleUseId: string | null;
  finished: boolean;
  endingId: string | null;
  language: string | null;
  data: ResponseData;
  variables: ResponseVariables;
  ttc: TimesToCompletion;
  meta: object;
  createdAt: Date | null;
  updatedAt: Date | null;
}

/** What follows from storing a response. */
export interface ResponseEvents {
  /** As events tell of it. */
  survey: object;
  eventIds: string[];
  eventTypes: string[];
}

/** Why a response was not stored; null when it was. */
export interface CreateVerdict {
  obstacle: "repeated" | "missing" | "survey" | "linked" | "contact" | null;
}

/** Stores the responses by one statement, all of those or none; answers what stood in each one's way. */
export async function storeResponses(
  db: Pick<Transaction, "query">,
  responses: readonly ResponseToStore[],
): Promise<CreateVerdict["obstacle"][]> {
  const verdicts = await db.query<CreateVerdict>(CREATE_RESPONSES, [JSON.stringify(responses)]);
  return verdicts.map(({ obstacle }) => obstacle);
}

/** A response with what a change, or a repeated request, needs of it. */
export interface StoredRow {
  id: string;
  surveyId: string;
  contactId: string | null;
  finished: boolean;
  endingId: string | null;
  language: string | null;
  data: ResponseData;
  variables: ResponseVariables;
  ttc: TimesToCompletion;
  requestHash: string | null;
  changeHash: string | null;
  /** Changes with every write of the row. */
  version: string;
}

const STORED = `id, "surveyId", "contactId", finished, "endingId", language, data, variables, ttc, "requestHash", "changeHash",
  xmin::text as version`;

export const READ_RESPONSE = {
  name: "read_response",
  text: `select ${STORED} from responses where "environmentId" = $1 and id = $2`,
};

export const LOCK_RESPONSE = { name: "lock_response", text: `${READ_RESPONSE.text} for no key update` };

/** The response that an earlier request like this one may have made. Parameters: environment id, display id, request key. */
export const FIND_EARLIER = {
  name: "find_earlier_response",
  text: `
    select ${STORED} from responses where "environmentId" = $1 and "requestKey" = $3::text
    union all
    select ${STORED} from responses where "environmentId" = $1 and "displayId" = $2::text
    limit 1`,
};

const CONTACT_OF_RESPONSE = `(select jsonb_build_object('id', c.id, 'userId', c."userId") from contacts c
      where c."environmentId" = r."environmentId" and c.id = r."contactId")`;
const TAGS_OF_RESPONSE = `(select coalesce(jsonb_agg(jsonb_build_object('id', t.id, 'name', t.name, 'createdAt', ${iso('t."createdAt"')},
        'updatedAt', ${iso('t."updatedAt"')}) order by t.name), '[]')
      from response_tags rt join tags t on t."environmentId" = rt."environmentId" and t.id = rt."tagId"
      where rt."environmentId" = r."environmentId" and rt."responseId" = r.id)`;

/**
 * Changes a response if it is still of this version, with its events. Answers a row when it did. Parameters: environment
 * id, response id, version, then the values, the survey and the events.
 */
export const CHANGE_RESPONSE = {
  name: "change_response",
  text: `
with changed as (
  update responses set finished = $4, "endingId" = $5, language = $6, data = $7, variables = $8, ttc = $9, "changeHash" = $10,
    "updatedAt" = now()
  where "environmentId" = $1::text and id = $2::text and xmin::text = $3::text
  returning *
), events as (
  insert into outbox_events ("environmentId", id, type, "surveyId", "responseId", payload)
  select $1, e.id, e.type::response_event_type, r."surveyId", r.id, ${payload({
    contact: CONTACT_OF_RESPONSE,
    tags: TAGS_OF_RESPONSE,
    survey: "$11",
  })}
  from changed r cross join unnest($12::text[], $13::text[]) as e(id, type)
)
select id from changed`,
};

/**
 * Replaces everything about a response but its survey, with its events. Answers a row when it did. Parameters:
 * environment id, response id, the values, the survey and the events.
 */
export const REPLACE_RESPONSE = {
  name: "replace_response",
  text: `
with changed as (
  update responses set "createdAt" = $3, "updatedAt" = $4, finished = $5, "contactId" = $6, "endingId" = $7, data = $8,
    variables = $9, ttc = $10, meta = $11, "contactAttributes" = $12, "singleUseId" = $13, language = $14, "displayId" = $15,
    "changeHash" = null
  where "environmentId" = $1::text and id = $2::text
  returning *
), events as (
  insert into outbox_events ("environmentId", id, type, "surveyId", "responseId", payload)
  select $1, e.id, e.type::response_event_type, r."surveyId", r.id, ${payload({
    contact: CONTACT_OF_RESPONSE,
    tags: TAGS_OF_RESPONSE,
    survey: "$16",
  })}
  from changed r cross join unnest($17::text[], $18::text[]) as e(id, type)
)
select id from changed`,
};

/** A display of any environment. */
export const DISPLAY_ANYWHERE = { name: "display_anywhere", text: "select 1 from displays where id = $1 limit 1" };

/** Taken before {@link COMPLETE_SURVEY} counts, so that of two last responses one sees the other. */
export const LOCK_SURVEY = {
  name: "lock_survey",
  text: `select 1 from surveys where "environmentId" = $1 and id = $2 for no key update`,
};

/** Completes a survey that has as many finished responses as it takes. Answers a row when it did. */
export const COMPLETE_SURVEY = {
  name: "complete_survey",
  text: `
update surveys s set status = 'completed', "updatedAt" = now()
where s."environmentId" = $1 and s.id = $2 and s.status = 'inProgress' and (
  select count(*) from (
    select from responses r where r."environmentId" = $1 and r."surveyId" = $2 and r.finished limit $3::int
  ) finished
) >= $3::int
returning s.id`,
};
