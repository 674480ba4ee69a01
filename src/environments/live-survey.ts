/**
 * What SDKs need of a survey in progress. The stored document is read tolerantly: an imported survey is kept as it
 * came, and one wrong member would make strict SDKs refuse all surveys of the environment. Source: client-api §4.3.
 */

export type JsonObject = Record<string, unknown>;

export interface LiveSurvey {
  id: string;
  welcomeCard: JsonObject;
  /** Of surveys from before blocks; else empty. */
  questions: unknown[];
  blocks: unknown[];
  variables: unknown[];
  endings: unknown[];
  hiddenFields: JsonObject;
  languages: LiveSurveyLanguage[];
  showLanguageSwitch: boolean | null;
  /** Seconds, as is `delay`. */
  autoClose: number | null;
  delay: number;
  displayOption: (typeof DISPLAY_OPTIONS)[number];
  displayLimit: number | null;
  recontactDays: number | null;
  displayPercentage: number | null;
  /** Names of action classes. */
  triggers: string[];
  styling: JsonObject | null;
  recaptcha: JsonObject | null;
  isBackButtonHidden: boolean;
  isAutoProgressingEnabled: boolean;
  /** What the survey sets differently from its project. */
  overwrites: JsonObject | null;
  segment: { id: string; hasFilters: boolean } | null;
}

export interface LiveSurveyLanguage {
  default: boolean;
  enabled: boolean;
  language: { id: string; code: string; alias: string | null; createdAt: Date; updatedAt: Date };
}

/** A survey as the database gives it: `document` is any JSON, times are ISO 8601 text. */
export interface LiveSurveyRow {
  id: string;
  document: unknown;
  segmentId: string | null;
  triggers: string[];
  languages: {
    default: boolean;
    enabled: boolean;
    language: { id: string; code: string; alias: string | null; createdAt: string; updatedAt: string };
  }[];
}

const DISPLAY_OPTIONS = ["displayOnce", "displayMultiple", "displaySome", "respondMultiple"] as const;

export function readLiveSurvey(row: LiveSurveyRow, segment: LiveSurvey["segment"]): LiveSurvey {
  const document = objectOrNull(row.document) ?? {};
  return {
    id: row.id,
    welcomeCard: objectOrNull(document.welcomeCard) ?? { enabled: false },
    questions: list(document.questions),
    blocks: list(document.blocks),
    variables: list(document.variables),
    endings: list(document.endings),
    hiddenFields: objectOrNull(document.hiddenFields) ?? { enabled: false },
    languages: row.languages.map(({ language, ...use }) => ({
      ...use,
      language: { ...language, createdAt: new Date(language.createdAt), updatedAt: new Date(language.updatedAt) },
    })),
    showLanguageSwitch: typeof document.showLanguageSwitch === "boolean" ? document.showLanguageSwitch : null,
    autoClose: integerOrNull(document.autoClose),
    delay: integerOrNull(document.delay) ?? 0,
    displayOption: DISPLAY_OPTIONS.find((option) => option === document.displayOption) ?? "displayOnce",
    displayLimit: integerOrNull(document.displayLimit),
    recontactDays: integerOrNull(document.recontactDays),
    displayPercentage: positiveOrNull(document.displayPercentage),
    triggers: row.triggers,
    styling: readStyling(document.styling),
    recaptcha: document.recaptcha === null ? null : (objectOrNull(document.recaptcha) ?? { enabled: false, threshold: 0.1 }),
    isBackButtonHidden: document.isBackButtonHidden === true,
    isAutoProgressingEnabled: document.isAutoProgressingEnabled === true,
    overwrites: objectOrNull(document.workspaceOverwrites) ?? objectOrNull(document.projectOverwrites),
    segment,
  };
}

/** Android decoders know `roundness` as a number only, the survey model also as text: `"8"` becomes 8. */
export function readStyling(value: unknown): JsonObject | null {
  const styling = objectOrNull(value);
  if (typeof styling?.roundness !== "string" || !/^\d+(\.\d+)?$/.test(styling.roundness)) return styling;
  return { ...styling, roundness: Number(styling.roundness) };
}

const objectOrNull = (value: unknown): JsonObject | null => (isObject(value) ? value : null);

const isObject = (value: unknown): value is JsonObject => typeof value === "object" && value !== null && !Array.isArray(value);

const list = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);

/** iOS decodes 32 bits or more, Android exactly 32. */
const integerOrNull = (value: unknown): number | null =>
  typeof value === "number" && Number.isInteger(value) && Math.abs(value) <= 0x7f_ff_ff_ff ? value : null;

const positiveOrNull = (value: unknown): number | null => (typeof value === "number" && value > 0 ? value : null);
