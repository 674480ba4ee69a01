/** Surveys, with what they are aimed at (segments, action classes) and what belongs to them. */
import { type Loading, loadTable, resolvedTable } from "../load.ts";
import {
  ENVIRONMENT_PARENT,
  ID_AND_TIMES,
  JSON_COLUMN,
  mapEnvironmentId,
  mapIdAndTimes,
  type Parent,
  type TableMapping,
  TEXT,
  TIME,
} from "../mapping.ts";
import { BadRow, type SourceRow } from "../source-row.ts";

const SURVEY: Parent = { column: "surveyId", table: "surveys", noun: "Survey", environment: "gives" };

export const segments: TableMapping = {
  sources: ["Segment"],
  target: "segments",
  columns: { ...ID_AND_TIMES, environmentId: TEXT, title: TEXT, description: TEXT, isPrivate: "boolean", filters: JSON_COLUMN },
  key: ["environmentId", "id"],
  parents: [ENVIRONMENT_PARENT],
  uniques: [{ columns: ["environmentId", "title"], noun: "title" }],
  map: (row) => ({
    ...mapIdAndTimes(row),
    environmentId: mapEnvironmentId(row),
    title: row.indexed("title"),
    description: row.textOrNull("description"),
    isPrivate: row.boolean("isPrivate", true),
    filters: row.array("filters", []),
  }),
};

export const actionClasses: TableMapping = {
  sources: ["ActionClass"],
  target: "action_classes",
  columns: {
    ...ID_AND_TIMES,
    environmentId: TEXT,
    name: TEXT,
    description: TEXT,
    type: "action_class_type",
    key: TEXT,
    noCodeConfig: JSON_COLUMN,
  },
  key: ["environmentId", "id"],
  parents: [ENVIRONMENT_PARENT],
  uniques: [
    { columns: ["environmentId", "name"], noun: "name" },
    { columns: ["environmentId", "key"], noun: "key" },
  ],
  map: (row) => ({
    ...mapIdAndTimes(row),
    environmentId: mapEnvironmentId(row),
    name: row.indexed("name"),
    description: row.textOrNull("description"),
    type: row.oneOf("type", ["code", "noCode"]),
    key: row.indexedOrNull("key"),
    noCodeConfig: row.objectOrNull("noCodeConfig"),
  }),
};

export const surveys: TableMapping = {
  sources: ["Survey"],
  target: "surveys",
  columns: {
    ...ID_AND_TIMES,
    environmentId: TEXT,
    name: TEXT,
    type: "survey_type",
    status: "survey_status",
    createdBy: TEXT,
    segmentId: TEXT,
    slug: TEXT,
    archivedAt: TIME,
    document: JSON_COLUMN,
  },
  key: ["environmentId", "id"],
  parents: [
    ENVIRONMENT_PARENT,
    // A survey that lost its segment would be shown to everybody, so it is left when the segment is missing.
    { column: "segmentId", table: "segments", noun: "Segment", environment: "within" },
  ],
  uniques: [{ columns: ["environmentId", "slug"], noun: "slug", drops: "slug" }],
  map: (row) => ({
    ...mapIdAndTimes(row),
    environmentId: mapEnvironmentId(row),
    name: row.text("name"),
    type: row.oneOf("type", ["link", "app"]),
    status: row.oneOf("status", ["draft", "inProgress", "paused", "completed"]),
    createdBy: row.idOrNull("createdBy"),
    segmentId: row.idOrNull("segmentId"),
    slug: row.indexedOrNull("slug"),
    archivedAt: row.timeOrNull("archivedAt"),
    document: mapDocument(row),
  }),
};

/** Columns of the source that are columns of ours, too. */
const SURVEY_COLUMNS = new Set([
  ...["id", "created_at", "updated_at", "workspaceId", "environmentId", "name", "type", "status"],
  ...["createdBy", "segmentId", "slug", "archivedAt"],
]);
const DOCUMENT_TIMES = ["publishOn", "closeOn"];

/** Every other column, under its own name. Times get their zone; the decimal column is a number however it was written. */
function mapDocument(row: SourceRow): Record<string, unknown> {
  const document = Object.fromEntries(Object.entries(row.values).filter(([column]) => !SURVEY_COLUMNS.has(column)));
  for (const column of DOCUMENT_TIMES) if (row.has(column)) document[column] = row.time(column);
  if (row.has("displayPercentage")) document.displayPercentage = mapDecimal(row, "displayPercentage");
  for (const column of ["questions", "blocks", "endings", "variables"]) if (row.has(column)) row.array(column);
  for (const column of ["welcomeCard", "hiddenFields"]) if (row.has(column)) row.object(column);
  return document;
}

function mapDecimal(row: SourceRow, column: string): number {
  const value = row.values[column];
  const number = typeof value === "string" && value.trim() !== "" ? Number(value) : value;
  if (typeof number !== "number" || !Number.isFinite(number)) throw new BadRow(`column ${column} is not a number`);
  return number;
}

export const surveyTriggers: TableMapping = {
  sources: ["SurveyTrigger"],
  target: "survey_triggers",
  columns: { surveyId: TEXT, actionClassId: TEXT, createdAt: TIME, updatedAt: TIME },
  key: ["environmentId", "surveyId", "actionClassId"],
  parents: [SURVEY, { column: "actionClassId", table: "action_classes", noun: "ActionClass", environment: "within" }],
  uniques: [],
  map(row) {
    const { createdAt, updatedAt } = mapIdAndTimes(row);
    return { surveyId: row.id("surveyId"), actionClassId: row.id("actionClassId"), createdAt, updatedAt };
  },
};

export const surveyLanguages: TableMapping = {
  sources: ["SurveyLanguage"],
  target: "survey_languages",
  columns: { surveyId: TEXT, languageId: TEXT, default: "boolean", enabled: "boolean" },
  key: ["environmentId", "surveyId", "languageId"],
  parents: [SURVEY, { column: "languageId", table: "languages", noun: "Language", environment: "within" }],
  uniques: [],
  map: (row) => ({
    surveyId: row.id("surveyId"),
    languageId: row.id("languageId"),
    default: row.boolean("default", false),
    enabled: row.boolean("enabled", true),
  }),
};

export const surveyQuotas: TableMapping = {
  sources: ["SurveyQuota"],
  target: "survey_quotas",
  columns: {
    ...ID_AND_TIMES,
    surveyId: TEXT,
    name: TEXT,
    limit: "integer",
    logic: JSON_COLUMN,
    action: "quota_action",
    endingCardId: TEXT,
    countPartialSubmissions: "boolean",
  },
  key: ["environmentId", "id"],
  parents: [SURVEY],
  uniques: [{ columns: ["environmentId", "surveyId", "name"], noun: "name" }],
  map: (row) => ({
    ...mapIdAndTimes(row),
    surveyId: row.id("surveyId"),
    name: row.indexed("name"),
    limit: row.integer("limit"),
    logic: row.object("logic", {}),
    action: row.oneOf("action", ["endSurvey", "continueSurvey"]),
    endingCardId: row.textOrNull("endingCardId"),
    countPartialSubmissions: row.boolean("countPartialSubmissions", false),
  }),
};

export const surveyFollowUps: TableMapping = {
  sources: ["SurveyFollowUp"],
  target: "survey_follow_ups",
  columns: { ...ID_AND_TIMES, surveyId: TEXT, name: TEXT, trigger: JSON_COLUMN, action: JSON_COLUMN },
  key: ["environmentId", "id"],
  parents: [SURVEY],
  uniques: [],
  map: (row) => ({
    ...mapIdAndTimes(row),
    surveyId: row.id("surveyId"),
    name: row.text("name"),
    trigger: row.object("trigger"),
    action: row.object("action"),
  }),
};

interface SurveyRow {
  environmentId: string;
  id: string;
  /** As the management API shows the survey, but for the segment and the triggers. */
  members: Record<string, unknown>;
  known: { id: string; code: string }[];
}

const JUDGE_BATCH = 50;

/** The follow-ups, and then, with everything that belongs to the surveys there, what the survey model says of them. */
export async function loadFollowUps(loading: Loading): Promise<void> {
  await loadTable(loading, surveyFollowUps);
  await judgeSurveys(loading);
}

/**
 * A survey that the survey model refuses comes over as it is, because its answers do; what is wrong with it is noted in
 * `refusal` and reported. Source of such surveys: rules that came after them.
 */
async function judgeSurveys({ session, report, judgeSurvey }: Loading): Promise<void> {
  for await (const surveys of session.batches<SurveyRow>(SELECT_NEW_SURVEYS, JUDGE_BATCH)) {
    for (const { environmentId, id, members, known } of surveys) {
      // A column that is null says as much as a member that is absent.
      const given = Object.fromEntries(Object.entries(members).filter(([, value]) => value !== null));
      const refusal = judgeSurvey(given, known);
      if (refusal === null) continue;
      await session.execute(`update surveys set refusal = $3 where "environmentId" = $1 and id = $2`, [
        environmentId,
        id,
        refusal,
      ]);
      report.find("changed", {
        ...{ table: "Survey", reason: "kept as it is, although it breaks a rule", count: 1 },
        examples: [`${id} (${refusal})`],
      });
    }
  }
}

const SELECT_NEW_SURVEYS = `
  select s."environmentId", s.id,
    s.document || jsonb_build_object(
      'name', s.name, 'type', s.type, 'status', s.status, 'createdBy', s."createdBy", 'slug', s.slug,
      'languages', (select coalesce(jsonb_agg(jsonb_build_object('default', l."default", 'enabled', l.enabled, 'language', jsonb_build_object('id', l."languageId"))), '[]')
        from survey_languages l where l."environmentId" = s."environmentId" and l."surveyId" = s.id),
      'followUps', (select coalesce(jsonb_agg(jsonb_build_object('id', f.id, 'name', f.name, 'trigger', f.trigger, 'action', f.action)), '[]')
        from survey_follow_ups f where f."environmentId" = s."environmentId" and f."surveyId" = s.id)) as members,
    (select coalesce(jsonb_agg(jsonb_build_object('id', l.id, 'code', l.code)), '[]')
      from languages l where l."environmentId" = s."environmentId") as known
  from ${resolvedTable(surveys)} r join surveys s on s."environmentId" = r."environmentId" and s.id = r.id
  where r._state = 'new'`;
