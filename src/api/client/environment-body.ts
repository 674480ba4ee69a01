/** The environment state as all generations of SDKs read it: both spellings, every key, null where there is nothing. Source: client-api §4, §18; sdk-contract §3. */
import type { EnvironmentState, InteractionRefresh, LiveSurvey, LiveSurveyLanguage } from "../../environments/service.ts";
import { legacyLanguageCodes } from "../../shared/language-tag.ts";

/** Names are nobody's business, and strict SDKs want a text. */
const SURVEY_NAME = "[deprecated] survey name omitted from public API - will be removed soon";
const SEGMENT_TITLE = "[deprecated] segment title omitted from public API - will be removed soon";
const NO_TIME = "1970-01-01T00:00:00.000Z";

/** Stands for all filters of a segment: one that every decoder knows, and that gives nothing away. */
const FILTER = {
  id: "placeholder",
  connector: null,
  resource: {
    id: "placeholder",
    root: { type: "device", deviceType: "phone" },
    value: "deprecated",
    qualifier: { operator: "equals" },
  },
};

/** A stored file's address, as the whole of a text or in an attribute of HTML, right after the quote. */
const STORAGE_ADDRESS = /(?<=["'])(?=\/storage\/[^/"'\\\s]+\/(?:public|private)\/)/g;

/** The state as JSON, without what goes around it. */
export function presentEnvironment(state: EnvironmentState): string {
  const { id, project, actionClasses, surveys, installation } = state;
  const settings = { id, ...project, darkOverlay: project.overlay === "dark" };
  const json = JSON.stringify({
    surveys: surveys.map((survey) => presentSurvey(survey, state)),
    actionClasses,
    workspace: settings,
    project: settings,
    ...(installation.recaptchaSiteKey !== null && { recaptchaSiteKey: installation.recaptchaSiteKey }),
  });
  // Every address lies in a text, so that replacing in the JSON finds all of them without walking the surveys.
  const publicUrl = JSON.stringify(installation.publicUrl).slice(1, -1);
  return json.replace(STORAGE_ADDRESS, () => publicUrl);
}

function presentSurvey(survey: LiveSurvey, state: EnvironmentState) {
  const { id, languages, triggers, overwrites, segment, ...members } = survey;
  const refresh: InteractionRefresh | undefined = state.interactionRefreshes.get(id);
  return {
    id,
    name: SURVEY_NAME,
    type: "app",
    status: "inProgress",
    ...members,
    languages: withLegacyCodes(languages).map((language) => presentLanguage(language, state.id)),
    triggers: triggers.map((name) => ({ actionClass: { name } })),
    workspaceOverwrites: overwrites,
    projectOverwrites: overwrites,
    segment: segment && presentSegment(segment, state.legacyId ?? state.id),
    ...(refresh && { interactionRefresh: refresh }),
  };
}

function presentSegment({ id, hasFilters }: { id: string; hasFilters: boolean }, environmentId: string) {
  return {
    id,
    title: SEGMENT_TITLE,
    description: null,
    isPrivate: true,
    filters: hasFilters ? [FILTER] : [],
    environmentId,
    workspaceId: environmentId,
    createdAt: NO_TIME,
    updatedAt: NO_TIME,
    surveys: [],
    hasFilters,
  };
}

/**
 * SDKs compare a person's language with these codes as they stand, and people may have the code of former years. A
 * single language stays single: with two, SDKs begin to compare, and hide the survey from who has another one.
 */
function withLegacyCodes(languages: readonly LiveSurveyLanguage[]): readonly LiveSurveyLanguage[] {
  if (languages.length < 2) return languages;
  const known = new Set(languages.map(({ language }) => language.code.toLowerCase()));
  const clones: LiveSurveyLanguage[] = [];
  for (const original of languages)
    for (const code of legacyLanguageCodes(original.language.code)) {
      if (known.has(code.toLowerCase())) continue;
      known.add(code.toLowerCase());
      clones.push({ ...original, language: { ...original.language, code } });
    }
  return [...languages, ...clones];
}

const presentLanguage = ({ language, ...use }: LiveSurveyLanguage, environmentId: string) => ({
  ...use,
  language: { ...language, workspaceId: environmentId, projectId: environmentId },
});
