/**
 * What the server tells about the environment and the user, as far as this script acts on it. Whatever comes from
 * outside (an answer, the local storage) passes one of the readers here. Source: sdk-contract §3, §4.
 */

export interface Workspace {
  surveys: Survey[];
  actionClasses: ActionClass[];
  settings: Settings;
  recaptchaSiteKey?: string;
}

export interface Settings extends Appearance {
  /** Days between two surveys of any kind; null and 0: none. */
  recontactDays?: number | null;
  inAppSurveyBranding?: boolean;
  styling?: Styling | null;
}

/** What a survey may overwrite of the settings. */
export interface Appearance {
  placement?: string;
  clickOutsideClose?: boolean;
  overlay?: string;
}

export interface Styling {
  allowStyleOverwrite?: boolean;
  overwriteThemeStyling?: boolean;
}

/** A survey holds much more, which is handed to the renderer untouched. */
export interface Survey {
  id: string;
  triggers: { actionClass: { name: string } }[];
  displayOption: string;
  displayLimit?: number | null;
  /** Null: the settings' value. */
  recontactDays?: number | null;
  /** Percent of the times at which it could be shown; null and 0: always. */
  displayPercentage?: number | null;
  /** Seconds. */
  delay?: number | null;
  segment?: { id: string; hasFilters?: boolean; filters?: unknown[] } | null;
  languages: SurveyLanguage[];
  hiddenFields: { enabled?: boolean; fieldIds?: string[] };
  styling?: Styling | null;
  workspaceOverwrites?: Appearance | null;
  projectOverwrites?: Appearance | null;
  recaptcha?: { enabled?: boolean; threshold?: number } | null;
  interactionRefresh?: Partial<Record<SurveyInteraction, boolean>> | null;
}

export type SurveyInteraction = "onDisplay" | "onResponse" | "onFinished";

export interface SurveyLanguage {
  default: boolean;
  enabled: boolean;
  language: { id?: string; code: string; alias?: string | null };
}

export interface ActionClass {
  name: string;
  type: string;
  /** Code actions only. */
  key?: string | null;
  noCodeConfig?: NoCodeConfig | null;
}

export interface NoCodeConfig {
  type: string;
  urlFilters?: UrlFilter[] | null;
  /** Default `or`. */
  urlFiltersConnector?: string | null;
  elementSelector?: { cssSelector?: string | null; innerHtml?: string | null } | null;
  timeInSeconds?: number | null;
}

export interface UrlFilter {
  value: string;
  rule: string;
}

/** Who is in front of the browser. Without a userId: an anonymous visitor, whose history lives in this browser only. */
export interface User {
  userId: string | null;
  contactId: string | null;
  segments: string[];
  displays: { surveyId: string; createdAt: string }[];
  /** Ids of surveys, one per response. */
  responses: string[];
  /** ISO. */
  lastDisplayAt: string | null;
  language?: string;
}

/** Something with an end, ISO or null; null is never over. */
export interface Expiring<Data> {
  data: Data;
  expiresAt: string | null;
}

export const anonymousUser = (): Expiring<User> => ({
  data: { userId: null, contactId: null, segments: [], displays: [], responses: [], lastDisplayAt: null },
  expiresAt: null,
});

/** Whether the time is over; what is no time is over. */
export function isExpired(expiresAt: string | null, now: number): boolean {
  return expiresAt !== null && !(Date.parse(expiresAt) > now);
}

/** Reads `{ data, expiresAt }`; null when it is no environment. A survey or action that cannot be understood is left out. */
export function readWorkspace(value: unknown): Expiring<Workspace> | null {
  if (!isRecord(value) || !isRecord(value.data)) return null;
  const { surveys, actionClasses, settings, workspace, project, recaptchaSiteKey } = value.data;
  const found = [settings, workspace, project].find(isRecord);
  if (!Array.isArray(surveys) || found === undefined) return null;
  return {
    data: {
      surveys: surveys.filter(isSurvey),
      actionClasses: Array.isArray(actionClasses) ? actionClasses.filter(isActionClass) : [],
      settings: found,
      ...(typeof recaptchaSiteKey === "string" ? { recaptchaSiteKey } : {}),
    },
    expiresAt: readTime(value.expiresAt) ?? new Date(0).toISOString(),
  };
}

/** Reads `{ data, expiresAt }`; null when a list is missing, for then no rule could be applied. */
export function readUser(value: unknown): Expiring<User> | null {
  if (!isRecord(value) || !isRecord(value.data)) return null;
  const { userId, contactId, segments, displays, responses, lastDisplayAt, language } = value.data;
  if (!Array.isArray(segments) || !Array.isArray(displays) || !Array.isArray(responses)) return null;
  return {
    data: {
      userId: readString(userId),
      contactId: readString(contactId),
      segments: segments.filter(isString),
      displays: displays.filter(isDisplay),
      responses: responses.filter(isString),
      lastDisplayAt: readTime(lastDisplayAt),
      ...(isString(language) ? { language } : {}),
    },
    expiresAt: readTime(value.expiresAt),
  };
}

export const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const isString = (value: unknown): value is string => typeof value === "string";
const readString = (value: unknown): string | null => (isString(value) ? value : null);

function readTime(value: unknown): string | null {
  const time = typeof value === "string" || typeof value === "number" ? new Date(value) : null;
  return time === null || Number.isNaN(time.getTime()) ? null : time.toISOString();
}

const isDisplay = (value: unknown): value is User["displays"][number] =>
  isRecord(value) && isString(value.surveyId) && isString(value.createdAt);

const isSurvey = (value: unknown): value is Survey =>
  isRecord(value) &&
  isString(value.id) &&
  isString(value.displayOption) &&
  isRecord(value.hiddenFields) &&
  Array.isArray(value.languages) &&
  value.languages.every((entry) => isRecord(entry) && isRecord(entry.language) && isString(entry.language.code)) &&
  Array.isArray(value.triggers) &&
  value.triggers.every((trigger) => isRecord(trigger) && isRecord(trigger.actionClass));

const isActionClass = (value: unknown): value is ActionClass =>
  isRecord(value) && isString(value.name) && isString(value.type) && (value.noCodeConfig == null || isRecord(value.noCodeConfig));
