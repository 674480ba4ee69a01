/** Surveys as they are stored, with all that hangs on them, in one statement. */
import type { ActionClass } from "../action-classes/service.ts";
import type { Transaction } from "../db/database.ts";
import type { JsonObject } from "./model/json.ts";

/**
 * A survey with what belongs to it. The JSON in it (the document, filters, follow-ups) is what the rows hold: of an
 * imported survey it may break every rule, and members may be missing.
 */
export interface SurveyRecord {
  environmentId: string;
  /** Of the environment, when it has a second id. */
  legacyEnvironmentId: string | null;
  id: string;
  createdAt: Date;
  updatedAt: Date;
  name: string;
  type: "link" | "app";
  status: "draft" | "inProgress" | "paused" | "completed";
  createdBy: string | null;
  slug: string | null;
  archivedAt: Date | null;
  document: JsonObject;
  segment: SurveySegment | null;
  /** In the order in which they were added. */
  triggers: ActionClass[];
  languages: { default: boolean; enabled: boolean; language: SurveyLanguageRow }[];
  followUps: SurveyFollowUpRow[];
}

export interface SurveySegment {
  id: string;
  createdAt: Date;
  updatedAt: Date;
  title: string;
  description: string | null;
  /** Whether it belongs to one survey only. */
  isPrivate: boolean;
  filters: unknown;
  /** Ids of the surveys that are aimed at it. */
  surveys: string[];
}

export interface SurveyLanguageRow {
  id: string;
  createdAt: Date;
  updatedAt: Date;
  code: string;
  alias: string | null;
}

export interface SurveyFollowUpRow {
  id: string;
  createdAt: Date;
  updatedAt: Date;
  surveyId: string;
  name: string;
  trigger: unknown;
  action: unknown;
}

/** In JSON that PostgreSQL makes, points in time are text. */
type InJson<Row> = { [Member in keyof Row]: Row[Member] extends Date ? string : Row[Member] };

interface SurveyRow extends Omit<SurveyRecord, "segment" | "triggers" | "languages" | "followUps"> {
  segment: InJson<SurveySegment> | null;
  triggers: InJson<Omit<ActionClass, "legacyEnvironmentId">>[];
  languages: { default: boolean; enabled: boolean; language: InJson<SurveyLanguageRow> }[];
  followUps: InJson<SurveyFollowUpRow>[];
}

const SELECT = `
  select s."environmentId", e."legacyId" as "legacyEnvironmentId", s.id, s."createdAt", s."updatedAt", s.name, s.type, s.status,
    s."createdBy", s.slug, s."archivedAt", s.document,
    (select json_build_object('id', g.id, 'createdAt', g."createdAt", 'updatedAt', g."updatedAt", 'title', g.title,
        'description', g.description, 'isPrivate', g."isPrivate", 'filters', g.filters,
        'surveys', (select coalesce(json_agg(o.id order by o."createdAt", o.id), '[]') from surveys o
                    where o."environmentId" = g."environmentId" and o."segmentId" = g.id))
      from segments g where g."environmentId" = s."environmentId" and g.id = s."segmentId") as segment,
    (select coalesce(json_agg(json_build_object('environmentId', a."environmentId", 'id', a.id, 'createdAt', a."createdAt",
        'updatedAt', a."updatedAt", 'name', a.name, 'description', a.description, 'type', a.type, 'key', a.key,
        'noCodeConfig', a."noCodeConfig") order by t."createdAt", a."createdAt", a.id), '[]')
      from survey_triggers t join action_classes a on a."environmentId" = t."environmentId" and a.id = t."actionClassId"
      where t."environmentId" = s."environmentId" and t."surveyId" = s.id) as triggers,
    (select coalesce(json_agg(json_build_object('default', sl."default", 'enabled', sl.enabled, 'language',
        json_build_object('id', l.id, 'createdAt', l."createdAt", 'updatedAt', l."updatedAt", 'code', l.code, 'alias', l.alias))
        order by l."createdAt", l.id), '[]')
      from survey_languages sl join languages l on l."environmentId" = sl."environmentId" and l.id = sl."languageId"
      where sl."environmentId" = s."environmentId" and sl."surveyId" = s.id) as languages,
    (select coalesce(json_agg(json_build_object('id', f.id, 'createdAt', f."createdAt", 'updatedAt', f."updatedAt",
        'surveyId', f."surveyId", 'name', f.name, 'trigger', f.trigger, 'action', f.action) order by f."createdAt", f.id), '[]')
      from survey_follow_ups f where f."environmentId" = s."environmentId" and f."surveyId" = s.id) as "followUps"
  from surveys s join environments e on e.id = s."environmentId"`;

/**
 * @param rest what follows the `from` clause, in which the survey is `s`
 * @param values the parameters of `rest`
 */
export async function querySurveys(
  { query }: Pick<Transaction, "query">,
  rest: string,
  values: unknown[],
): Promise<SurveyRecord[]> {
  const rows = await query<SurveyRow>(`${SELECT} ${rest}`, values);
  return rows.map(toRecord);
}

const toRecord = ({ segment, triggers, languages, followUps, ...survey }: SurveyRow): SurveyRecord => ({
  ...survey,
  segment: segment && withTimes(segment),
  triggers: triggers.map((trigger) => ({ ...withTimes(trigger), legacyEnvironmentId: survey.legacyEnvironmentId })),
  languages: languages.map(({ language, ...others }) => ({ ...others, language: withTimes(language) })),
  followUps: followUps.map(withTimes),
});

const withTimes = <Row extends { createdAt: string; updatedAt: string }>(row: Row) => ({
  ...row,
  createdAt: new Date(row.createdAt),
  updatedAt: new Date(row.updatedAt),
});
