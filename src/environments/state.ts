/** The environment state: all that SDKs need to show surveys, the same for every caller. Source: client-api §4. */
import type { Database } from "../db/database.ts";
import { type SegmentRow, surveyInteractions } from "../segments/service.ts";
import { type InteractionRefresh, interactionRefreshes } from "./interaction-refresh.ts";
import { type JsonObject, type LiveSurvey, type LiveSurveyRow, readLiveSurvey, readStyling } from "./live-survey.ts";

export interface EnvironmentState {
  id: string;
  legacyId: string | null;
  project: ProjectSettings;
  actionClasses: readonly LiveActionClass[];
  /** Every app survey in progress, newest first. */
  surveys: readonly LiveSurvey[];
  /** By survey id; empty when no segment asks what contacts did with surveys. */
  interactionRefreshes: ReadonlyMap<string, InteractionRefresh>;
  installation: Installation;
}

/** What the installation tells every SDK. */
export interface Installation {
  /** Where the server is reached, without a slash at its end. */
  publicUrl: string;
  /** Null: no spam protection. */
  recaptchaSiteKey: string | null;
}

interface ProjectSettings {
  recontactDays: number;
  clickOutsideClose: boolean;
  overlay: string;
  placement: string;
  inAppSurveyBranding: boolean;
  styling: JsonObject;
}

interface LiveActionClass {
  id: string;
  type: "code" | "noCode";
  name: string;
  key: string | null;
  noCodeConfig: unknown;
}

interface StateRow extends Omit<ProjectSettings, "styling"> {
  id: string;
  legacyId: string | null;
  appSetupCompleted: boolean;
  styling: unknown;
  actionClasses: LiveActionClass[];
  segments: SegmentRow[];
  surveys: LiveSurveyRow[];
}

/** One statement, so that surveys, segments and action classes are of the same moment. */
const LOAD_STATE = {
  name: "environment_state",
  text: `
    select e.id, e."legacyId", e."appSetupCompleted",
      p."recontactDays", p."clickOutsideClose", p.overlay, p.placement, p."inAppSurveyBranding", p.styling,
      (select coalesce(json_agg(json_build_object('id', a.id, 'type', a.type, 'name', a.name, 'key', a.key, 'noCodeConfig', a."noCodeConfig")
          order by a."createdAt", a.id), '[]')
        from action_classes a where a."environmentId" = e.id) as "actionClasses",
      (select coalesce(json_agg(json_build_object('id', g.id, 'filters', g.filters)), '[]')
        from segments g where g."environmentId" = e.id) as segments,
      (select coalesce(json_agg(json_build_object('id', s.id, 'document', s.document, 'segmentId', s."segmentId",
          'triggers', (select coalesce(json_agg(a.name order by t."createdAt", a.id), '[]')
            from survey_triggers t join action_classes a on a."environmentId" = t."environmentId" and a.id = t."actionClassId"
            where t."environmentId" = s."environmentId" and t."surveyId" = s.id),
          'languages', (select coalesce(json_agg(json_build_object('default', sl."default", 'enabled', sl.enabled,
              'language', json_build_object('id', l.id, 'code', l.code, 'alias', l.alias, 'createdAt', l."createdAt", 'updatedAt', l."updatedAt"))
              order by sl."default" desc, l."createdAt", l.id), '[]')
            from survey_languages sl join languages l on l."environmentId" = sl."environmentId" and l.id = sl."languageId"
            where sl."environmentId" = s."environmentId" and sl."surveyId" = s.id))
          order by s."createdAt" desc, s.id desc), '[]')
        from surveys s
        where s."environmentId" = e.id and s.type = 'app' and s.status = 'inProgress' and s."archivedAt" is null) as surveys
    from environments e join projects p on p.id = e."projectId"
    where e.id = $1`,
};

export interface LoadedState {
  state: EnvironmentState;
  /** Whether an SDK has been here before. */
  isSetUp: boolean;
}

/** Undefined when there is no such environment. */
export async function loadState(db: Database, id: string, installation: Installation): Promise<LoadedState | undefined> {
  const [row] = await db.query<StateRow>(LOAD_STATE, [id]);
  return row && { state: readState(row, installation), isSetUp: row.appSetupCompleted };
}

function readState(row: StateRow, installation: Installation): EnvironmentState {
  const { id, legacyId, recontactDays, clickOutsideClose, overlay, placement, inAppSurveyBranding } = row;
  const filters = new Map(row.segments.map((segment) => [segment.id, segment.filters]));
  const surveys = row.surveys.map((survey) => readLiveSurvey(survey, segmentOf(survey.segmentId, filters)));
  const segmentIds = surveys.flatMap(({ segment }) => (segment === null ? [] : [segment.id]));
  return {
    id,
    legacyId,
    project: {
      recontactDays,
      clickOutsideClose,
      overlay,
      placement,
      inAppSurveyBranding,
      styling: { allowStyleOverwrite: true, ...readStyling(row.styling) },
    },
    actionClasses: row.actionClasses,
    surveys,
    interactionRefreshes: interactionRefreshes(
      surveys.map((survey) => survey.id),
      surveyInteractions(row.segments, segmentIds),
    ),
    installation,
  };
}

/** Filters that are no list let nobody in, so they count as filters. */
function segmentOf(id: string | null, filters: ReadonlyMap<string, unknown>): LiveSurvey["segment"] {
  if (id === null) return null;
  const own = filters.get(id);
  return { id, hasFilters: !Array.isArray(own) || own.length > 0 };
}
