import { notifyChange } from "../db/change-feed.ts";
import type { Database, Transaction } from "../db/database.ts";
import { isMissingRow, isUniqueViolation } from "../db/errors.ts";
import { type Page, queryPage } from "../db/page.ts";
import type { PermissionLevel, Principal } from "../shared/principal.ts";
import { conflict, notFound, Problem } from "../shared/problem.ts";
import { QuotaFields, quotaRuleIssues } from "./model/quota.ts";
import type { SurveyRecord, SurveyService } from "./service.ts";

export { QuotaFields } from "./model/quota.ts";

export type QuotaManagement = ReturnType<typeof createQuotaManagement>;

export interface Quota {
  environmentId: string;
  surveyId: string;
  id: string;
  createdAt: Date;
  updatedAt: Date;
  name: string;
  limit: number;
  /** As stored; that of an import may be of any shape. */
  logic: unknown;
  action: "endSurvey" | "continueSurvey";
  endingCardId: string | null;
  countPartialSubmissions: boolean;
  /** How many responses were let in so far, counted to the limit. */
  screenedIn: number;
}

/** What is absent stays as it is. */
export type QuotaChange = { [Field in keyof QuotaFields]?: QuotaFields[Field] | undefined };

const COLUMNS = `
  t."environmentId", t."surveyId", t.id, t."createdAt", t."updatedAt", t.name, t."limit", t.logic, t.action, t."endingCardId",
  t."countPartialSubmissions",
  (select count(*)::int from (
     select from response_quota_links l
     join responses r on r."environmentId" = l."environmentId" and r.id = l."responseId"
     where l."environmentId" = t."environmentId" and l."quotaId" = t.id and l.status = 'screenedIn'
       and (r.finished or t."countPartialSubmissions")
     limit t."limit") counted) as "screenedIn"`;

/** Quotas of surveys, for those who manage them. Source: survey-model §15.2, client-api §12. */
export function createQuotaManagement({
  db,
  surveys,
  newId,
  now,
  forgetEnvironment,
}: {
  db: Database;
  surveys: Pick<SurveyService, "get">;
  newId: () => string;
  now: () => number;
  /** Drops what this process has cached of the environment. */
  forgetEnvironment: (environmentId: string) => void;
}) {
  return { list, get, create, update, remove };

  /** Throws `not_found` (survey), `forbidden`. */
  async function list(caller: Principal, surveyId: string, page: Page): Promise<{ rows: Quota[]; total: number }> {
    const { environmentId } = await surveys.get(caller, surveyId, "read");
    const from = `from survey_quotas t where t."environmentId" = $1 and t."surveyId" = $2`;
    return await queryPage(db, { columns: COLUMNS, from, values: [environmentId, surveyId] }, page);
  }

  /** Throws `not_found` (survey, quota), `forbidden`. */
  async function get(caller: Principal, surveyId: string, id: string): Promise<Quota> {
    const { environmentId } = await surveys.get(caller, surveyId, "read");
    return await load(db, { environmentId, surveyId, id });
  }

  /**
   * Counts responses that are given from now on, and earlier ones when they change. Throws `not_found` (survey),
   * `forbidden`; `invalid` with every rule that it breaks; `conflict` (`name`) when the survey has the name already.
   */
  async function create(caller: Principal, surveyId: string, input: QuotaFields): Promise<Quota> {
    const id = newId();
    return await change(caller, surveyId, "write", async (tx, survey) => {
      requireRules(input, survey);
      const at = new Date(now());
      await tx.query(
        `insert into survey_quotas ("environmentId", "surveyId", id, name, "limit", logic, action, "endingCardId",
           "countPartialSubmissions", "createdAt", "updatedAt")
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10)`,
        [survey.environmentId, surveyId, id, ...values(input), at],
      );
      return load(tx, { environmentId: survey.environmentId, surveyId, id });
    });
  }

  /** As {@link create}; also throws `not_found` (quota). */
  async function update(caller: Principal, surveyId: string, id: string, input: QuotaChange): Promise<Quota> {
    return await change(caller, surveyId, "write", async (tx, survey) => {
      const key = { environmentId: survey.environmentId, surveyId, id };
      await lock(tx, key);
      const stored = await load(tx, key);
      const merged = parseMerged(stored, input);
      requireRules(merged, survey);
      await tx.query(
        `update survey_quotas set name = $4, "limit" = $5, logic = $6, action = $7, "endingCardId" = $8,
           "countPartialSubmissions" = $9, "updatedAt" = $10
         where "environmentId" = $1 and "surveyId" = $2 and id = $3`,
        [survey.environmentId, surveyId, id, ...values(merged), new Date(now())],
      );
      return load(tx, key);
    });
  }

  /** Responses that it ended stay as they are. Throws `not_found` (survey, quota), `forbidden`. */
  async function remove(caller: Principal, surveyId: string, id: string): Promise<Quota> {
    return await change(caller, surveyId, "manage", async (tx, { environmentId }) => {
      const key = { environmentId, surveyId, id };
      await lock(tx, key);
      const quota = await load(tx, key);
      await tx.query(`delete from survey_quotas where "environmentId" = $1 and id = $2`, [environmentId, id]);
      return quota;
    });
  }

  /** Who has cached the survey is told. */
  async function change(caller: Principal, surveyId: string, level: PermissionLevel, work: Work): Promise<Quota> {
    const survey = await surveys.get(caller, surveyId, level);
    const written = await write(survey, work);
    forgetEnvironment(survey.environmentId);
    return written;
  }

  async function write(survey: SurveyRecord, work: Work): Promise<Quota> {
    try {
      return await db.transaction(async (tx) => {
        const done = await work(tx, survey);
        await notifyChange(tx, "environment", survey.environmentId);
        return done;
      });
    } catch (error) {
      if (isUniqueViolation(error, "name")) throw conflict("name", "A quota of the survey with this name already exists");
      if (isMissingRow(error)) throw notFound("survey", survey.id); // deleted a moment ago
      throw error;
    }
  }
}

type Work = (tx: Transaction, survey: SurveyRecord) => Promise<Quota>;

interface Key {
  environmentId: string;
  surveyId: string;
  id: string;
}

async function load(db: Pick<Transaction, "query">, { environmentId, surveyId, id }: Key): Promise<Quota> {
  const [quota] = await db.query<Quota>(
    `select ${COLUMNS} from survey_quotas t where t."environmentId" = $1 and t."surveyId" = $2 and t.id = $3`,
    [environmentId, surveyId, id],
  );
  if (!quota) throw notFound("quota", id);
  return quota;
}

/** Waits for responses that are being counted. */
async function lock(tx: Transaction, { environmentId, id }: Key): Promise<void> {
  await tx.query(`select 1 from survey_quotas where "environmentId" = $1 and id = $2 for update`, [environmentId, id]);
}

const values = ({ name, limit, logic, action, endingCardId = null, countPartialSubmissions = false }: QuotaFields) => [
  name,
  limit,
  JSON.stringify(logic),
  action,
  endingCardId,
  countPartialSubmissions,
];

/** An imported quota may be of a shape that has to be set right by the change. */
function parseMerged(stored: Quota, change: QuotaChange): QuotaFields {
  const given = Object.fromEntries(Object.entries(change).filter(([, value]) => value !== undefined));
  const { data, error } = QuotaFields.safeParse({ ...stored, ...given });
  if (error) throw broken(error.issues);
  return data;
}

function requireRules(quota: QuotaFields, { document }: SurveyRecord): void {
  const issues = quotaRuleIssues(quota, document);
  if (issues.length > 0) throw broken(issues);
}

const broken = (issues: readonly { path: readonly PropertyKey[]; message: string }[]) =>
  new Problem("invalid", "The quota does not fit its survey", {
    issues: issues.map(({ path, message }) => ({ field: path.map(String).join("."), issue: message })),
  });
