import type { Logger } from "pino";
import type { Database, Transaction } from "../db/database.ts";
import { isMissingRow, isUniqueViolation } from "../db/errors.ts";
import { findOwnedRow } from "../db/owned-row.ts";
import { type Page, queryRows } from "../db/page.ts";
import type { EnvironmentConfiguration, EnvironmentService } from "../environments/service.ts";
import type { PermissionLevel, Principal } from "../shared/principal.ts";
import { conflict, notFound, Problem, refused } from "../shared/problem.ts";
import type { LiveSurvey, LiveSurveyService } from "../surveys/live-survey.ts";
import { elementsOf } from "./answer-checks.ts";
import { findViolations } from "./answer-rules.ts";
import type { ResponseData } from "./answer-values.ts";
import { completeSurvey, eventValues } from "./effects.ts";
import { findOverlongOther } from "./other-answers.ts";
import { decideLocked, evaluateSurveyQuotas, linkQuotas } from "./quota-keeper.ts";
import { CREATE_RESPONSE, type CreateVerdict, REPLACE_RESPONSE } from "./response-statements.ts";
import { newTtc, type ResponseVariables, storedLanguage, type TimesToCompletion } from "./response-values.ts";
import { withAbsoluteFiles } from "./storage-urls.ts";
import { textKeys } from "./survey-elements.ts";
import { findInvalidUpload, findUploadedFiles, type UploadCheck, type UploadedFile } from "./upload-answers.ts";

export type ResponseManagement = ReturnType<typeof createResponseManagement>;

/** What is stored about a response's origin, as far as a management API may say it. */
export interface GivenMeta {
  source?: string | undefined;
  url?: string | undefined;
  userAgent?: { browser?: string | undefined; os?: string | undefined; device?: string | undefined } | undefined;
  country?: string | undefined;
  action?: string | undefined;
}

/** A response as stored; JSON of an import may hold anything. */
export interface StoredResponse {
  id: string;
  environmentId: string;
  createdAt: Date;
  updatedAt: Date;
  finished: boolean;
  surveyId: string;
  contactId: string | null;
  endingId: string | null;
  data: Record<string, unknown>;
  variables: Record<string, unknown>;
  /** In ms. */
  ttc: Record<string, unknown>;
  meta: Record<string, unknown>;
  contactAttributes: Record<string, unknown> | null;
  singleUseId: string | null;
  language: string | null;
  displayId: string | null;
}

export interface ResponseFilter extends Page {
  surveyId?: string | undefined;
  contactId?: string | undefined;
}

export interface NewResponse {
  surveyId: string;
  finished: boolean;
  data: ResponseData;
  createdAt?: Date | undefined;
  /** The date of creation when absent. */
  updatedAt?: Date | undefined;
  displayId?: string | null | undefined;
  singleUseId?: string | null | undefined;
  endingId?: string | null | undefined;
  language?: string | null | undefined;
  variables?: ResponseVariables | undefined;
  ttc?: TimesToCompletion | undefined;
  meta?: GivenMeta | undefined;
  /** The contact's; when nobody has it the response is anonymous. */
  userId?: string | undefined;
}

/** Everything about a response but its id and its survey. */
export interface ResponseReplacement {
  createdAt: Date;
  updatedAt: Date;
  finished: boolean;
  contactId: string | null;
  endingId: string | null;
  data: ResponseData;
  variables: ResponseVariables;
  ttc: TimesToCompletion;
  meta: GivenMeta;
  contactAttributes: Record<string, string> | null;
  singleUseId: string | null;
  language: string | null;
  displayId: string | null;
}

const COLUMNS = `
  t.id, t."environmentId", t."createdAt", t."updatedAt", t.finished, t."surveyId", t."contactId", t."endingId", t.data,
  t.variables, t.ttc, t.meta, t."contactAttributes", t."singleUseId", t.language, t."displayId"`;

/** Responses as those see and change them who administer an environment. Source: management-api-v2 §5.7. */
export function createResponseManagement({
  db,
  environments,
  surveys,
  newId,
  publicUrl,
  removeFile,
  log,
}: {
  db: Database;
  environments: EnvironmentService;
  surveys: LiveSurveyService;
  newId: () => string;
  /** Where this server is reached, without a slash at its end. */
  publicUrl: string;
  removeFile: (file: UploadedFile) => Promise<void>;
  log: Logger;
}) {
  return { list, get, create, replace, remove };

  /** Of all environments that the caller may read; files under whole addresses. */
  async function list(caller: Principal, { surveyId, contactId, ...page }: ResponseFilter): Promise<StoredResponse[]> {
    const from = `from responses t where t."environmentId" = any($1)
      and ($2::text is null or t."surveyId" = $2) and ($3::text is null or t."contactId" = $3)`;
    const values = [[...caller.permissions.keys()], surveyId ?? null, contactId ?? null];
    return (await queryRows<StoredResponse>(db, { columns: COLUMNS, from, values }, page)).map(withFiles);
  }

  /** Files under whole addresses. Throws `not_found` (response), `forbidden`. */
  async function get(caller: Principal, id: string): Promise<StoredResponse> {
    return withFiles(await find(db, caller, id, "read"));
  }

  /**
   * Stores a response, to a survey of any status, with its quota links and events. Throws `not_found` (survey, display),
   * `forbidden`; `malformed` for answers that the survey does not take (fields `response`, `response.data.<element>`);
   * `conflict` (`displayId`, `singleUseId`) when another response has it.
   */
  async function create(caller: Principal, input: NewResponse): Promise<StoredResponse> {
    const { surveyId, data, language } = input;
    const { environment, survey } = await findSurvey(caller, surveyId, "write");
    requireAnswers(environment, survey, { data, language: language ?? null });
    const { id, isCompleted } = await db
      .transaction((tx) => insert(tx, survey, input))
      .catch((error: unknown) => {
        if (isMissingRow(error)) throw notFound("survey", surveyId); // deleted a moment ago
        throw taken(error);
      });
    if (isCompleted) environments.forget(environment.id);
    return await load(db, environment.id, id);
  }

  async function insert(tx: Transaction, survey: LiveSurvey, input: NewResponse): Promise<{ id: string; isCompleted: boolean }> {
    const { environmentId } = survey;
    const id = newId();
    const given = {
      finished: input.finished,
      endingId: input.endingId ?? null,
      language: storedLanguage(input.language),
      data: input.data,
      variables: input.variables ?? {},
    };
    const evaluation = { ...evaluateSurveyQuotas(survey, given), failing: [] }; // nothing is linked yet
    const decision = await decideLocked(tx, { environmentId, responseId: id, finished: given.finished }, evaluation);
    const values = decision.end === null ? given : { ...given, finished: true, endingId: decision.end.endingId };
    const [verdict] = await tx.query<CreateVerdict>(CREATE_RESPONSE, [
      environmentId,
      id,
      survey.id,
      null,
      input.userId ?? null,
      input.displayId ?? null,
      null,
      null,
      input.singleUseId ?? null,
      values.finished,
      values.endingId,
      values.language,
      JSON.stringify(values.data),
      JSON.stringify(values.variables),
      JSON.stringify(newTtc(input.ttc, values.finished)),
      JSON.stringify(input.meta ?? {}),
      input.createdAt ?? null,
      input.updatedAt ?? null,
      ...eventValues(survey, "responseCreated", values.finished, newId),
    ]);
    if (verdict?.obstacle === "linked") throw displayTaken();
    if (verdict?.obstacle) throw notFound("display", input.displayId ?? null);
    await linkQuotas(tx, environmentId, id, decision);
    return { id, isCompleted: values.finished && (await completeSurvey(tx, survey)) };
  }

  /**
   * Replaces a response, finished or not. Throws `not_found` (response; `contactId` and `displayId` of what is not the
   * environment's, or the survey's), and otherwise as {@link create}. Files under whole addresses.
   */
  async function replace(caller: Principal, id: string, input: ResponseReplacement): Promise<StoredResponse> {
    const { environmentId, surveyId } = await find(db, caller, id, "write");
    const environment = await environments.configuration(environmentId);
    const survey = await surveys.find(environment, surveyId);
    requireAnswers(environment, survey, input);
    const isCompleted = await db
      .transaction(async (tx) => {
        await requireContact(tx, environmentId, input.contactId);
        await requireDisplay(tx, { environmentId, surveyId, responseId: id }, input.displayId);
        await write(tx, survey, id, input);
        return input.finished && (await completeSurvey(tx, survey));
      })
      .catch((error: unknown) => {
        throw taken(error);
      });
    if (isCompleted) environments.forget(environmentId);
    return withFiles(await load(db, environmentId, id));
  }

  async function write(tx: Transaction, survey: LiveSurvey, id: string, input: ResponseReplacement): Promise<void> {
    const rows = await tx.query(REPLACE_RESPONSE, [
      survey.environmentId,
      id,
      input.createdAt,
      input.updatedAt,
      input.finished,
      input.contactId,
      input.endingId,
      JSON.stringify(input.data),
      JSON.stringify(input.variables),
      JSON.stringify(input.ttc),
      JSON.stringify(input.meta),
      input.contactAttributes && JSON.stringify(input.contactAttributes),
      input.singleUseId,
      storedLanguage(input.language),
      input.displayId,
      ...eventValues(survey, "responseUpdated", input.finished, newId),
    ]);
    if (rows.length === 0) throw notFound("response", id);
  }

  /**
   * With its display and, once that is done, the files of its answers that no other response names.
   * Throws `not_found` (response), `forbidden`.
   */
  async function remove(caller: Principal, id: string): Promise<StoredResponse> {
    const { environmentId, surveyId } = await find(db, caller, id, "manage");
    const environment = await environments.configuration(environmentId);
    const survey = await surveys.find(environment, surveyId);
    const removed = await db.transaction(async (tx) => {
      const [response] = await tx.query<StoredResponse>(
        `delete from responses t where "environmentId" = $1 and id = $2 returning ${COLUMNS}`,
        [environmentId, id],
      );
      if (!response) throw notFound("response", id);
      if (response.displayId !== null)
        await tx.query(`delete from displays where "environmentId" = $1 and id = $2`, [environmentId, response.displayId]);
      return response;
    });
    await removeFiles(survey, uploadCheck(environment, survey, removed.data));
    return removed;
  }

  /** A file that cannot be deleted now is left: the response is gone, and nobody is told otherwise. */
  async function removeFiles({ environmentId, id: surveyId }: LiveSurvey, check: UploadCheck): Promise<void> {
    for (const file of findUploadedFiles(check)) {
      try {
        const name = file.path.at(-1) ?? "";
        const named = await db.query(
          `select 1 from responses where "environmentId" = $1 and "surveyId" = $2
             and (strpos(data::text, $3) > 0 or strpos(data::text, $4) > 0) limit 1`,
          [environmentId, surveyId, name, encodeURIComponent(name)],
        );
        if (named.length === 0) await removeFile(file);
      } catch (error) {
        log.warn({ err: error, environmentId, surveyId }, "uploaded file not deleted");
      }
    }
  }

  async function findSurvey(caller: Principal, id: string, level: PermissionLevel) {
    const { environmentId } = await findOwnedRow(db, caller, {
      columns: `t."environmentId"`,
      table: "surveys",
      id,
      resource: "survey",
      level,
    });
    const environment = await environments.configuration(environmentId);
    return { environment, survey: await surveys.find(environment, id) };
  }

  function requireAnswers(
    environment: EnvironmentConfiguration,
    survey: LiveSurvey,
    { data, language }: { data: ResponseData; language: string | null },
  ): void {
    const elements = elementsOf(survey);
    const texts = textKeys(language, survey.languages);
    if (findInvalidUpload(uploadCheck(environment, survey, data)) !== null) throw refused("response", INVALID_UPLOAD);
    const questionId = findOverlongOther({ elements, data, texts });
    if (questionId !== null)
      throw refused("response", `Response for question ${questionId} exceeds character limit`, { questionId });
    const issues = findViolations({ elements, data, texts }).map(({ elementId, ruleId, ruleType, message }) => ({
      field: `response.data.${elementId}`,
      issue: message,
      meta: { elementId, ruleId, ruleType },
    }));
    if (issues.length > 0) throw new Problem("malformed", "The answers break the survey's rules", { issues });
  }

  function uploadCheck(
    { id: environmentId, legacyId }: EnvironmentConfiguration,
    survey: LiveSurvey,
    data: Readonly<Record<string, unknown>>,
  ): UploadCheck {
    const unscopedOwnerIds = legacyId === null ? [environmentId] : [environmentId, legacyId];
    const { id: surveyId } = survey;
    return { elements: elementsOf(survey), data, environmentId, surveyId, ownOrigins: [publicUrl], unscopedOwnerIds };
  }

  function withFiles(response: StoredResponse): StoredResponse {
    return { ...response, data: withAbsoluteFiles(response.data, publicUrl) };
  }
}

const INVALID_UPLOAD =
  "Invalid file upload response: each file URL must reference a file uploaded to this survey's file-upload element";

const find = (db: Pick<Transaction, "query">, caller: Principal, id: string, level: PermissionLevel): Promise<StoredResponse> =>
  findOwnedRow(db, caller, { columns: COLUMNS, table: "responses", id, resource: "response", level });

async function load(db: Pick<Transaction, "query">, environmentId: string, id: string): Promise<StoredResponse> {
  const [response] = await db.query<StoredResponse>(
    `select ${COLUMNS} from responses t where t."environmentId" = $1 and t.id = $2`,
    [environmentId, id],
  );
  if (!response) throw notFound("response", id);
  return response;
}

async function requireContact(tx: Transaction, environmentId: string, id: string | null): Promise<void> {
  if (id === null) return;
  const found = await tx.query(`select 1 from contacts where "environmentId" = $1 and id = $2 for key share`, [
    environmentId,
    id,
  ]);
  if (found.length === 0) throw notFound("contactId", id);
}

/** It must be of the response's survey, and not another response's. */
async function requireDisplay(
  tx: Transaction,
  { environmentId, surveyId, responseId }: { environmentId: string; surveyId: string; responseId: string },
  id: string | null,
): Promise<void> {
  if (id === null) return;
  const found = await tx.query(
    `select 1 from displays d where d."environmentId" = $1 and d.id = $2 and d."surveyId" = $3 and not exists (
       select 1 from responses r where r."environmentId" = $1 and r."displayId" = d.id and r.id <> $4) for key share`,
    [environmentId, id, surveyId, responseId],
  );
  if (found.length === 0) throw notFound("displayId", id);
}

const displayTaken = () => conflict("displayId", "A response with this displayId already exists");

/** What a unique key refused, in words of the contract; any other error as it is. */
function taken(error: unknown): unknown {
  if (isUniqueViolation(error, "singleUseId")) return conflict("singleUseId", "A response with this singleUseId already exists");
  return isUniqueViolation(error, "displayId") ? displayTaken() : error;
}
