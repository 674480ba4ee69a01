/** A survey as the management contracts show it; they differ in what they call its environment. Source: survey-model §3, management-api-v1 §12. */
import { isDeepStrictEqual } from "node:util";
import { z } from "zod";
import { questionsFromBlocks } from "./model/generation.ts";
import type { SurveyRecord } from "./survey-record.ts";

export interface SurveyOwner {
  workspaceId: string;
  environmentId: string;
}

/** JSON that is shown as it is stored, since an imported survey may have it in any shape. */
const asStored = (description: string) => z.unknown().meta({ description });

const Language = z.object({
  id: z.string(),
  createdAt: z.date(),
  updatedAt: z.date(),
  code: z.string(),
  alias: z.string().nullable(),
  workspaceId: z.string(),
});

const Segment = z.object({
  id: z.string(),
  createdAt: z.date(),
  updatedAt: z.date(),
  title: z.string(),
  description: z.string().nullable(),
  isPrivate: z.boolean().meta({ description: "Whether it belongs to this survey alone" }),
  filters: asStored("Whom the survey is shown to"),
  surveys: z.array(z.string()).meta({ description: "Ids of all surveys aimed at it" }),
  workspaceId: z.string(),
});

const FollowUp = z.object({
  id: z.string(),
  createdAt: z.date(),
  updatedAt: z.date(),
  surveyId: z.string(),
  name: z.string(),
  trigger: asStored("After which responses"),
  action: asStored("The e-mail"),
});

/**
 * The members that {@link viewSurvey} returns.
 * @param owner the contract's names of an environment
 * @param actionClass the contract's action class
 */
export const surveyShape = <ActionClass extends z.ZodType>(
  owner: { workspaceId: z.ZodString; environmentId: z.ZodString },
  actionClass: ActionClass,
) => ({
  id: z.string(),
  createdAt: z.date(),
  updatedAt: z.date(),
  name: z.string(),
  type: z.enum(["link", "app"]),
  workspaceId: owner.workspaceId,
  createdBy: z.string().nullable().meta({ description: "Id of a user" }),
  status: z.enum(["draft", "inProgress", "paused", "completed"]),
  welcomeCard: asStored("The card before the first block"),
  questions: asStored("The older form of the content, derived from the blocks: one question per element"),
  blocks: asStored("The content: pages with one or more elements and the logic that follows each"),
  endings: asStored("The cards and redirects after the last block"),
  hiddenFields: asStored("Values that come with the link or the SDK call"),
  variables: asStored("What logic computes with"),
  displayOption: asStored("displayOnce, displayMultiple, displaySome or respondMultiple"),
  recontactDays: asStored("Days without any other survey before this one; null: as in the project"),
  displayLimit: asStored("How often it is shown with displaySome"),
  autoClose: asStored("Seconds without interaction until it closes"),
  delay: asStored("Seconds between trigger and display"),
  displayPercentage: asStored("The share of eligible loads it is shown to, 0.01 to 100"),
  autoComplete: asStored("Number of finished responses that complete it"),
  publishOn: asStored("When it goes from paused to inProgress"),
  closeOn: asStored("When it goes from inProgress to completed"),
  archivedAt: z.date().nullable(),
  isVerifyEmailEnabled: asStored("Whether a link needs a verified address"),
  isSingleResponsePerEmailEnabled: asStored("Whether an address may answer once only"),
  isBackButtonHidden: asStored("Whether one cannot go back"),
  isAutoProgressingEnabled: asStored("Whether an answer leads on by itself"),
  isCaptureIpEnabled: asStored("Whether responses keep the IP address"),
  redirectUrl: asStored("Of surveys of a time before endings"),
  workspaceOverwrites: asStored("What it sets differently from its project"),
  styling: asStored("Colours, sizes and the like"),
  surveyClosedMessage: asStored("What a closed link survey says"),
  singleUse: asStored("Whether links are for one response each"),
  pin: asStored("Four digits that a link survey asks for"),
  showLanguageSwitch: asStored("Whether respondents may choose the language"),
  recaptcha: asStored("Protection from spam"),
  metadata: asStored("Title, description and image of the link"),
  customHeadScripts: asStored("HTML for the head of the link's page"),
  customHeadScriptsMode: asStored("add or replace"),
  languages: z.array(z.object({ default: z.boolean(), enabled: z.boolean(), language: Language })),
  triggers: z.array(z.object({ actionClass })),
  segment: Segment.nullable(),
  followUps: z.array(FollowUp),
  slug: z.string().nullable(),
  projectOverwrites: asStored("The same as workspaceOverwrites"),
  environmentId: owner.environmentId,
});

/**
 * The survey with both generations of its content. What an imported one lacks is filled in; the rest is as stored.
 * @param owner the environment, under the names and ids that the contract gives it
 */
export function viewSurvey(survey: SurveyRecord, owner: SurveyOwner) {
  const { id, createdAt, updatedAt, name, type, createdBy, status, document, archivedAt, slug } = survey;
  const { workspaceId, environmentId } = owner;
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
    triggers: survey.triggers.map(({ environmentId: _own, legacyEnvironmentId: _legacy, ...actionClass }) => ({
      actionClass: { ...actionClass, ...owner },
    })),
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

/** Whether a body says nothing that the survey, as it is shown, does not say already. */
export function saysNothingNew(body: unknown, view: object): boolean {
  if (typeof body !== "object" || body === null || Array.isArray(body)) return false;
  const shown = new Map<string, unknown>(Object.entries(inJson(view)));
  return Object.entries(body).every(([member, value]) => shown.has(member) && isDeepStrictEqual(value, shown.get(member)));
}

const inJson = (value: object): object => JSON.parse(JSON.stringify(value));
