/**
 * Surveys as the client API needs them: what gates, answer checks and quotas look at, read once and kept as long as the
 * environment's configuration is. Documents of every generation and imported ones that break the survey model are
 * understood: a setting that cannot be read counts as absent. Source: survey-model §3.
 */
import { z } from "zod";
import type { Database } from "../db/database.ts";
import type { EnvironmentConfiguration } from "../environments/service.ts";
import { forbidden, notFound } from "../shared/problem.ts";
import { createSingleFlightCache, type SingleFlightCache } from "../shared/single-flight-cache.ts";

export interface LiveQuota {
  id: string;
  createdAt: Date;
  limit: number;
  logic: unknown;
  action: "endSurvey" | "continueSurvey";
  endingCardId: string | null;
  countPartialSubmissions: boolean;
}

export interface LiveSurvey {
  /** Its owner, which may be another environment than the one it was asked for through. */
  environmentId: string;
  id: string;
  name: string;
  type: "link" | "app";
  status: "draft" | "inProgress" | "paused" | "completed";
  createdAt: Date;
  updatedAt: Date;
  /** As it is stored; its elements are the responses' business. */
  document: unknown;
  /** Whether its elements stand in blocks; older surveys have questions. */
  hasBlocks: boolean;
  variables: { id: string; type: "number" | "text" }[];
  languages: { code: string; alias: string | null; default: boolean }[];
  hasPin: boolean;
  singleUse: { isEncrypted: boolean } | null;
  isVerifyEmailEnabled: boolean;
  isCaptureIpEnabled: boolean;
  recaptcha: { threshold: number } | null;
  /** The number of finished responses that completes the survey. */
  autoComplete: number | null;
  quotas: LiveQuota[];
}

export type LiveSurveyService = ReturnType<typeof createLiveSurveyService>;

/** Surveys kept of one environment; beyond it the one read first is dropped. */
const MAX_SURVEYS = 500;

/** The highest score reCAPTCHA gives is 1, so that a threshold that cannot be read lets only certain humans in. */
const UNREADABLE_THRESHOLD = 1;

const Enabled = z.looseObject({ enabled: z.literal(true) });
const Variable = z.object({ id: z.string(), type: z.enum(["number", "text"]) });

const Document = z.object({
  blocks: z.array(z.unknown()).catch([]),
  variables: z
    .array(z.unknown())
    .catch([])
    .transform((entries) => entries.flatMap((entry) => Variable.safeParse(entry).data ?? [])),
  pin: z.unknown().optional(),
  singleUse: Enabled.extend({ isEncrypted: z.boolean().catch(true) })
    .nullable()
    .catch(null),
  isVerifyEmailEnabled: z.boolean().catch(false),
  isCaptureIpEnabled: z.boolean().catch(false),
  recaptcha: Enabled.extend({ threshold: z.number().catch(UNREADABLE_THRESHOLD) })
    .nullable()
    .catch(null),
  autoComplete: z.int().min(1).nullable().catch(null),
});

const loadText = (where: string): string => `
    select s."environmentId", s.id, s.name, s.type, s.status, s."createdAt", s."updatedAt", s.document,
      (select coalesce(json_agg(json_build_object('code', l.code, 'alias', l.alias, 'default', sl."default")), '[]')
        from survey_languages sl join languages l on l."environmentId" = sl."environmentId" and l.id = sl."languageId"
        where sl."environmentId" = s."environmentId" and sl."surveyId" = s.id) as languages,
      (select coalesce(json_agg(json_build_object('id', q.id, 'createdAt', q."createdAt", 'limit', q."limit", 'logic', q.logic,
          'action', q.action, 'endingCardId', q."endingCardId", 'countPartialSubmissions', q."countPartialSubmissions")), '[]')
        from survey_quotas q where q."environmentId" = s."environmentId" and q."surveyId" = s.id) as quotas
    from surveys s where ${where}`;

const LOAD_SURVEY = { name: "live_survey", text: loadText(`s."environmentId" = $1 and s.id = $2`) };

/** The id may be that of a survey elsewhere, which one contract tells apart from one that does not exist. */
const LOAD_FOREIGN_SURVEY = { name: "live_survey_elsewhere", text: loadText("s.id = $1 limit 1") };

interface SurveyRow extends Pick<LiveSurvey, "environmentId" | "id" | "name" | "type" | "status" | "createdAt" | "updatedAt"> {
  document: unknown;
  languages: LiveSurvey["languages"];
  quotas: (Omit<LiveQuota, "createdAt"> & { createdAt: string })[];
}

/** Surveys that are shown and answered. */
export function createLiveSurveyService({ db }: { db: Database }) {
  /** A change of the environment makes a new configuration, and with the old one what was read of its surveys goes. */
  const caches = new WeakMap<EnvironmentConfiguration, SingleFlightCache<LiveSurvey>>();
  return { find };

  /** The survey of this id, of whatever environment. Throws `not_found` (type `survey`). */
  function find(environment: EnvironmentConfiguration, surveyId: string): Promise<LiveSurvey> {
    const cache =
      caches.get(environment) ?? createSingleFlightCache<LiveSurvey>({ ttlMs: () => Infinity, maxEntries: MAX_SURVEYS });
    caches.set(environment, cache);
    return cache.get(surveyId, () => load(environment.id, surveyId));
  }

  async function load(environmentId: string, surveyId: string): Promise<LiveSurvey> {
    const [own] = await db.query<SurveyRow>(LOAD_SURVEY, [environmentId, surveyId]);
    const [row] = own ? [own] : await db.query<SurveyRow>(LOAD_FOREIGN_SURVEY, [surveyId]);
    if (!row) throw notFound("survey", surveyId);
    return readSurvey(row);
  }
}

function readSurvey({ quotas, ...row }: SurveyRow): LiveSurvey {
  const { blocks, pin, ...settings } = Document.parse(isObject(row.document) ? row.document : {});
  return {
    ...row,
    ...settings,
    hasBlocks: blocks.length > 0,
    hasPin: pin !== undefined && pin !== null && pin !== "",
    quotas: quotas.map((quota) => ({ ...quota, createdAt: new Date(quota.createdAt) })),
  };
}

const isObject = (value: unknown): value is object => typeof value === "object" && value !== null && !Array.isArray(value);

/** Throws `forbidden` for a survey that takes neither displays nor responses. */
export function requireAccepting({ id, status }: Pick<LiveSurvey, "id" | "status">): void {
  if (status !== "inProgress") throw forbidden("Survey is not accepting submissions", { details: { surveyId: id } });
}
