/** A survey as it is written, and how it is kept: some members are columns, some are rows, the rest is the document. Source: survey-model §3. */
import { z } from "zod";
import { Block } from "./block.ts";
import { Ending, HiddenFields, Variable, WelcomeCard } from "./card.ts";
import { type FollowUp, FollowUpInput } from "./follow-up.ts";
import { SurveyLanguage } from "./language.ts";
import { Question } from "./question.ts";
import { ProjectOverwrites, Styling } from "./styling.ts";
import { LocalizedText } from "./text.ts";
import { isStorageUrl } from "./url.ts";
import { wireDate } from "./wire-date.ts";

const SURVEY_TYPES = ["link", "app"] as const;
const SURVEY_STATUSES = ["draft", "inProgress", "paused", "completed"] as const;

const seconds = z.int32().min(0);
const flag = z.boolean().default(false);
const nullable = <Schema extends z.ZodType>(schema: Schema) => schema.nullable().default(null);

const isTenth = (value: number): boolean => Math.abs(value * 10 - Math.round(value * 10)) < 1e-9;

/**
 * The segment as v1 shows it. Its filters are the segments' business and are passed on unread. Without an id it is the
 * survey's own.
 */
const SegmentReference = z.object({
  id: z.string().optional(),
  title: z.string().optional(),
  description: z.string().nullish(),
  isPrivate: z.boolean().optional(),
  filters: z.array(z.unknown()).optional(),
  surveys: z.array(z.string()).max(500).optional(),
});
export type SegmentReference = z.infer<typeof SegmentReference>;

/** The content of a survey on the wire. Members that are missing take their default; unknown ones are dropped. */
export const SurveyFields = z.object({
  name: z.string().min(1),
  type: z.enum(SURVEY_TYPES).default("link"),
  status: z.enum(SURVEY_STATUSES).default("draft"),
  createdBy: nullable(z.string()),
  welcomeCard: WelcomeCard.default({ enabled: false, timeToFinish: true, showResponseCount: false }),
  questions: z.array(Question).default([]),
  blocks: z.array(Block).default([]),
  endings: z.array(Ending).default([]),
  hiddenFields: HiddenFields.default({ enabled: false }),
  variables: z.array(Variable).default([]),
  displayOption: z.enum(["displayOnce", "displayMultiple", "displaySome", "respondMultiple"]).default("displayOnce"),
  recontactDays: nullable(z.int32().min(0)),
  displayLimit: nullable(z.int32().min(0)),
  displayPercentage: nullable(z.number().min(0.01).max(100)),
  delay: seconds.default(0),
  autoClose: nullable(seconds),
  autoComplete: nullable(z.int32().min(1)),
  publishOn: nullable(wireDate),
  closeOn: nullable(wireDate),
  triggers: z.array(z.object({ actionClass: z.object({ id: z.string() }) })).default([]),
  segment: SegmentReference.nullish(),
  languages: z.array(SurveyLanguage).default([]),
  showLanguageSwitch: nullable(z.boolean()),
  styling: nullable(Styling),
  workspaceOverwrites: nullable(ProjectOverwrites),
  surveyClosedMessage: nullable(
    z.object({ enabled: z.boolean().optional(), heading: z.string().nullish(), subheading: z.string().nullish() }),
  ),
  singleUse: z
    .object({
      enabled: z.boolean(),
      isEncrypted: z.boolean(),
      heading: z.string().nullish(),
      subheading: z.string().nullish(),
    })
    .nullable()
    .default({ enabled: false, isEncrypted: true }),
  pin: nullable(z.string().regex(/^\d{4}$/, "Must be a 4 digit number")),
  isVerifyEmailEnabled: flag,
  isSingleResponsePerEmailEnabled: flag,
  isBackButtonHidden: flag,
  isAutoProgressingEnabled: flag,
  isCaptureIpEnabled: flag,
  recaptcha: z
    .object({ enabled: z.boolean(), threshold: z.number().min(0.1).max(0.9).refine(isTenth, "Must be a multiple of 0.1") })
    .nullable()
    .default({ enabled: false, threshold: 0.1 }),
  metadata: z
    .looseObject({
      title: LocalizedText.optional(),
      description: LocalizedText.optional(),
      ogImage: z.string().refine(isStorageUrl, "Invalid file URL").optional(),
    })
    .default({}),
  slug: nullable(z.string().regex(/^[a-z0-9-]+$/, "Only lowercase letters, numbers and hyphens are allowed")),
  customHeadScripts: nullable(z.string()),
  customHeadScriptsMode: z.enum(["add", "replace"]).nullable().default("add"),
  followUps: z.array(FollowUpInput).default([]),
});
export type SurveyFields = z.infer<typeof SurveyFields>;

/** Members that are columns of the survey's row. */
interface SurveyColumns {
  name: string;
  type: SurveyFields["type"];
  status: SurveyFields["status"];
  createdBy: string | null;
  slug: string | null;
}

/**
 * Everything else: the JSON that is stored. `questions` is empty unless the survey was imported from a time before
 * blocks; dates are ISO 8601 text.
 */
export type SurveyDocument = Omit<SurveyFields, keyof SurveyColumns | "triggers" | "languages" | "followUps" | "segment">;

/** All that a caller may set of a survey, in the parts it is kept in. */
export interface SurveyContent {
  columns: SurveyColumns;
  document: SurveyDocument;
  /** Ids of action classes; whether they exist is not known here. */
  triggers: string[];
  /** Languages of the environment, resolved. */
  languages: SurveyLanguage[];
  followUps: FollowUp[];
}

/** The content in one object of the wire's member names, in blocks only: what may be sent back as it is. */
export function surveyFields({ columns, document, triggers, languages, followUps }: SurveyContent) {
  return { ...columns, ...document, triggers: triggers.map((id) => ({ actionClass: { id } })), languages, followUps };
}
