/** A survey in the words of this contract. Source: survey-model §3, management-api-v1 §12. */
import { isDeepStrictEqual } from "node:util";
import { questionsFromBlocks, type SurveyRecord } from "../../../surveys/service.ts";
import { presentActionClass } from "./present-action-class.ts";
import { presentTenant } from "./tenant.ts";

/** The survey with both generations of its content. What an imported one lacks is filled in; the rest is as stored. */
export function presentSurvey(survey: SurveyRecord) {
  const { id, createdAt, updatedAt, name, type, createdBy, status, document, archivedAt, slug } = survey;
  const { workspaceId, environmentId } = presentTenant(survey);
  /** The first of the names under which the document has the member. */
  const stored = (fallback: unknown, ...names: string[]) => {
    const found = names.find((member) => document[member] !== undefined);
    return found === undefined ? fallback : document[found];
  };
  const overwrites = stored(null, "workspaceOverwrites", "projectOverwrites", "productOverwrites");
  return {
    id,
    createdAt,
    updatedAt,
    name,
    type,
    workspaceId,
    createdBy,
    status,
    welcomeCard: stored({ enabled: false }, "welcomeCard"),
    ...presentContent(document),
    endings: stored([], "endings"),
    hiddenFields: stored({ enabled: false }, "hiddenFields"),
    variables: stored([], "variables"),
    displayOption: stored("displayOnce", "displayOption"),
    recontactDays: stored(null, "recontactDays"),
    displayLimit: stored(null, "displayLimit"),
    autoClose: stored(null, "autoClose"),
    delay: stored(0, "delay"),
    displayPercentage: document.displayPercentage || null,
    autoComplete: stored(null, "autoComplete"),
    publishOn: stored(null, "publishOn", "runOnDate"),
    closeOn: stored(null, "closeOn", "closeOnDate"),
    archivedAt,
    isVerifyEmailEnabled: stored(false, "isVerifyEmailEnabled"),
    isSingleResponsePerEmailEnabled: stored(false, "isSingleResponsePerEmailEnabled"),
    isBackButtonHidden: stored(false, "isBackButtonHidden"),
    isAutoProgressingEnabled: stored(false, "isAutoProgressingEnabled"),
    isCaptureIpEnabled: stored(false, "isCaptureIpEnabled"),
    redirectUrl: stored(null, "redirectUrl"),
    workspaceOverwrites: overwrites,
    styling: stored(null, "styling"),
    surveyClosedMessage: stored(null, "surveyClosedMessage"),
    singleUse: stored({ enabled: false, isEncrypted: true }, "singleUse"),
    pin: stored(null, "pin"),
    showLanguageSwitch: stored(null, "showLanguageSwitch"),
    recaptcha: stored({ enabled: false, threshold: 0.1 }, "recaptcha"),
    metadata: stored({}, "metadata"),
    customHeadScripts: stored(null, "customHeadScripts"),
    customHeadScriptsMode: stored("add", "customHeadScriptsMode"),
    languages: survey.languages.map(({ language, ...others }) => ({ ...others, language: { ...language, workspaceId } })),
    triggers: survey.triggers.map((trigger) => ({ actionClass: presentActionClass(trigger) })),
    segment: survey.segment && { ...survey.segment, workspaceId },
    followUps: survey.followUps,
    slug,
    projectOverwrites: overwrites,
    environmentId,
  };
}

/** Imported from a time before blocks, a survey has questions only, and no ids that its blocks could have. */
function presentContent({ blocks, questions }: SurveyRecord["document"]) {
  const hasBlocks = Array.isArray(blocks) && blocks.length > 0;
  return hasBlocks ? { questions: questionsFromBlocks(blocks), blocks } : { questions: questions ?? [], blocks: [] };
}

/** Whether a body says nothing that {@link presentSurvey} does not say of the survey. */
export function saysNothingNew(body: unknown, survey: SurveyRecord): boolean {
  if (typeof body !== "object" || body === null || Array.isArray(body)) return false;
  const shown = new Map<string, unknown>(Object.entries(inJson(presentSurvey(survey))));
  return Object.entries(body).every(([member, value]) => shown.has(member) && isDeepStrictEqual(value, shown.get(member)));
}

const inJson = (value: object): object => JSON.parse(JSON.stringify(value));
