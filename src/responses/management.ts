import type { Logger } from "pino";
import type { Database, Transaction } from "../db/database.ts";
import { isMissingRow, isUniqueViolation } from "../db/errors.ts";
import { dateConditions, queryList, queryParts } from "../db/list.ts";
import { findOwnedRow, readableEnvironments } from "../db/owned-row.ts";
import type { Page } from "../db/page.ts";
import type { ListReader } from "../db/read-replica.ts";
import type { EnvironmentConfiguration, EnvironmentService } from "../environments/service.ts";
import { type PermissionLevel, type Principal, requireEnvironment } from "../shared/principal.ts";
import { conflict, invalid, notFound, Problem, refused } from "../shared/problem.ts";
import type { LiveSurvey, LiveSurveyService } from "../surveys/live-survey.ts";
import type { Outbox } from "../webhooks/service.ts";
import { elementsOf, requireValidAnswers } from "./answer-checks.ts";
import { findViolations } from "./answer-rules.ts";
import type { ResponseData } from "./answer-values.ts";
import { completeSurvey, eventsOf, eventValues } from "./effects.ts";
import { findOverlongOther } from "./other-answers.ts";
import { decideLocked, evaluateSurveyQuotas, linkQuotas } from "./quota-keeper.ts";
import { findResponse, loadResponse, RESPONSE_COLUMNS, type ResponseRecord } from "./response-record.ts";
import {
  CHANGE_RESPONSE,
  type CreateVerdict,
  LOCK_RESPONSE,
  REPLACE_RESPONSE,
  type StoredRow,
  storeResponses,
} from "./response-statements.ts";
import {
  mergeResponse,
  newTtc,
  type ResponseChange,
  type ResponseValues,
  type ResponseVariables,
  storedLanguage,
  type TimesToCompletion,
} from "./response-values.ts";
import { withAbsoluteFiles } from "./storage-urls.ts";
import { textKeys } from "./survey-elements.ts";
import { findInvalidUpload, findUploadedFiles, type UploadCheck, type UploadedFile } from "./upload-answers.ts";

export type { ResponseRecord } from "./response-record.ts";

export type ResponseManagement = ReturnType<typeof createResponseManagement>;

/** What is stored about a response's origin, as far as a management API may say it. */
export interface GivenMeta {
  source?: string | undefined;
  url?: string | undefined;
  userAgent?: { browser?: string | undefined; os?: string | undefined; device?: string | undefined } | undefined;
  country?: string | undefined;
  ipAddress?: string | undefined;
  action?: string | undefined;
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

/** How many responses are listed of everything the caller may see, when no number is asked for. */
const MAX_UNASKED = 1_000;

const RESPONSES = { table: "responses", columns: RESPONSE_COLUMNS };

/** The same of one survey. Source: management-api-v1 §10.1. */
const SURVEY_PAGE = 25;

/** Responses as those see and change them who administer an environment. Source: management-api-v2 §5.7, management-api-v1 §10. */
export function createResponseManagement({
  db,
  lists,
  environments,
  surveys,
  outbox,
  newId,
  publicUrl,
  removeFile,
  log,
}: {
  db: Database;
  lists: ListReader;
  environments: EnvironmentService;
  surveys: LiveSurveyService;
  outbox: Pick<Outbox, "announce">;
  newId: () => string;
  /** Where this server is reached, without a slash at its end. */
  publicUrl: string;
  removeFile: (file: UploadedFile) => Promise<void>;
  log: Logger;
}) {
  return { list, listPage, readNewest, get, create, createIn, replace, change, remove, discardFiles };

  /** As {@link listPage}, without what follows. */
  async function list(caller: Principal, filter: ResponseFilter): Promise<ResponseRecord[]> {
    return (await listPage(caller, filter)).rows;
  }

  /** Of one environment, or of all that the caller may read; files under whole addresses. Throws `invalid` (`cursor`). */
  async function listPage(
    caller: Principal,
    {
      environmentId,
      surveyId,
      contactId,
      cursor,
      ...page
    }: ResponseFilter & { environmentId?: string; cursor?: string | undefined },
  ): Promise<{ rows: ResponseRecord[]; nextCursor: string | null }> {
    const { conditions, values } = dateConditions(page);
    if (surveyId !== undefined) conditions.push(`c."surveyId" = $${values.push(surveyId)}::text`);
    if (contactId !== undefined) conditions.push(`c."contactId" = $${values.push(contactId)}::text`);
    const source = { ...RESPONSES, environmentIds: readableEnvironments(caller, environmentId), conditions, values };
    const { rows, nextCursor } = await queryList<Page["sortBy"], ResponseRecord>(lists, source, { ...page, cursor });
    return { rows: rows.map(withFiles), nextCursor };
  }

  /**
   * The newest first, a part at a time, files under whole addresses: of one survey, 25 when no number is asked for, or of
   * all environments that the caller may read, where 0 and no number mean 1000. The first part throws `not_found`
   * (survey), `forbidden`.
   */
  async function* readNewest(
    caller: Principal,
    { surveyId, limit, skip }: { surveyId: string | undefined; limit: number | undefined; skip: number },
  ): AsyncGenerator<ResponseRecord[], void, void> {
    const isOfSurvey = surveyId !== undefined;
    const environmentIds = isOfSurvey ? [await findSurveyOwner(caller, surveyId, "read")] : [...caller.permissions.keys()];
    const conditions = isOfSurvey ? [`c."surveyId" = $1::text`] : [];
    const values = isOfSurvey ? [surveyId] : [];
    const parts = queryParts<Page["sortBy"], ResponseRecord>(
      lists,
      { ...RESPONSES, environmentIds, conditions, values },
      { limit: isOfSurvey ? (limit ?? SURVEY_PAGE) : limit || MAX_UNASKED, skip, sortBy: "createdAt", order: "desc" },
    );
    for await (const rows of parts) yield rows.map(withFiles);
  }

  /** Files under whole addresses. Throws `not_found` (response); `forbidden` unless the caller holds `level` on it. */
  async function get(caller: Principal, id: string, level: PermissionLevel = "read"): Promise<ResponseRecord> {
    return withFiles(await findResponse(db, caller, id, level));
  }

  /**
   * Stores a response, to a survey of any status, with its quota links and events. Throws `not_found` (survey, display),
   * `forbidden`; `malformed` for answers that the survey does not take (fields `response`, `response.data.<element>`);
   * `conflict` (`displayId`, `singleUseId`) when another response has it.
   */
  async function create(caller: Principal, input: NewResponse): Promise<ResponseRecord> {
    const { surveyId, data, language } = input;
    const { environment, survey } = await findSurvey(caller, surveyId, "write");
    requireAnswers(environment, survey, { data, language: language ?? null });
    const { id, obstacle } = await store(environment, survey, input);
    if (obstacle === "linked") throw displayTaken();
    if (obstacle) throw notFound("display", input.displayId ?? null);
    return await loadResponse(db, environment.id, id);
  }

  /**
   * As {@link create}, to a survey that must be of the environment. Throws `not_found` (survey), `forbidden`; `invalid`
   * for a survey of another environment, for answers that the survey does not take (issues `response.data.<element>`)
   * and for a display that is not there; `conflict` when another response has the display or the single-use id.
   */
  async function createIn(caller: Principal, environmentId: string, input: NewResponse): Promise<ResponseRecord> {
    requireEnvironment(caller, environmentId, "write");
    const environment = await environments.configuration(environmentId);
    const survey = await surveys.find(environment, input.surveyId);
    if (survey.environmentId !== environmentId)
      throw invalid("Survey is part of another workspace", { details: { workspaceId: environmentId } });
    requireGivenAnswers(environment, survey, { data: input.data, language: input.language ?? null });
    const { id, obstacle } = await store(environment, survey, input);
    if (obstacle === "linked") throw displayTaken();
    if (obstacle) throw invalid("Display ID does not exist");
    return await loadResponse(db, environmentId, id);
  }

  async function store(environment: EnvironmentConfiguration, survey: LiveSurvey, input: NewResponse) {
    const attempt = () => db.transaction((tx) => insert(tx, environment, survey, input));
    // The contact was merged or deleted a moment ago, or the display with it: they are looked up again.
    const isOvertaken = (error: unknown) => isMissingRow(error, "contactId") || isMissingRow(error, "displayId");
    const { isCompleted, ...stored } = await attempt()
      .catch((error: unknown) => {
        if (isOvertaken(error)) return attempt();
        throw error;
      })
      .catch((error: unknown) => {
        if (isMissingRow(error)) throw notFound("survey", survey.id); // deleted a moment ago
        throw taken(error);
      });
    if (isCompleted) environments.forget(environment.id);
    if (environment.listenedEvents.size > 0) outbox.announce();
    return stored;
  }

  async function insert(
    tx: Transaction,
    { listenedEvents }: EnvironmentConfiguration,
    survey: LiveSurvey,
    input: NewResponse,
  ): Promise<{ id: string; obstacle: CreateVerdict["obstacle"]; isCompleted: boolean }> {
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
    const [obstacle = null] = await storeResponses(tx, [
      {
        ...{ environmentId, id, surveyId: survey.id },
        ...{ contactId: null, userId: input.userId ?? null, displayId: input.displayId ?? null },
        ...{ requestKey: null, requestHash: null, singleUseId: input.singleUseId ?? null },
        ...values,
        ttc: newTtc(input.ttc, values.finished),
        meta: input.meta ?? {},
        createdAt: input.createdAt ?? null,
        updatedAt: input.updatedAt ?? null,
        ...eventsOf(survey, "responseCreated", values.finished, { listenedEvents, newId }),
      },
    ]);
    if (obstacle !== null) return { id, obstacle, isCompleted: false };
    await linkQuotas(tx, environmentId, id, decision);
    return { id, obstacle: null, isCompleted: values.finished && (await completeSurvey(tx, survey)) };
  }

  /**
   * Replaces a response, finished or not. Throws `not_found` (response; `contactId` and `displayId` of what is not the
   * environment's, or the survey's), and otherwise as {@link create}. Files under whole addresses.
   */
  async function replace(caller: Principal, id: string, input: ResponseReplacement): Promise<ResponseRecord> {
    const { environmentId, surveyId } = await findResponse(db, caller, id, "write");
    const environment = await environments.configuration(environmentId);
    const survey = await surveys.find(environment, surveyId);
    requireAnswers(environment, survey, input);
    const isCompleted = await db
      .transaction(async (tx) => {
        await requireContact(tx, environmentId, input.contactId);
        await requireDisplay(tx, { environmentId, surveyId, responseId: id }, input.displayId);
        await write(tx, environment, survey, id, input);
        return input.finished && (await completeSurvey(tx, survey));
      })
      .catch((error: unknown) => {
        throw taken(error);
      });
    if (isCompleted) environments.forget(environmentId);
    if (environment.listenedEvents.size > 0) outbox.announce();
    return withFiles(await loadResponse(db, environmentId, id));
  }

  async function write(
    tx: Transaction,
    environment: EnvironmentConfiguration,
    survey: LiveSurvey,
    id: string,
    input: ResponseReplacement,
  ): Promise<void> {
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
      ...eventValues(survey, "responseUpdated", input.finished, { ...environment, newId }),
    ]);
    if (rows.length === 0) throw notFound("response", id);
  }

  /**
   * Merges a change into a response, finished or not: data, variables and times key by key. Only the answers that are
   * given are checked, so that an imported response that breaks a rule elsewhere can be corrected bit by bit. Files under
   * whole addresses. Throws `not_found` (response), `forbidden`; `invalid` as {@link createIn}; `too_large`.
   */
  async function change(caller: Principal, id: string, given: ResponseChange): Promise<ResponseRecord> {
    const { environmentId, surveyId } = await findResponse(db, caller, id, "write");
    const environment = await environments.configuration(environmentId);
    const survey = await surveys.find(environment, surveyId);
    const isCompleted = await db.transaction(async (tx) => {
      const [stored] = await tx.query<StoredRow>(LOCK_RESPONSE, [environmentId, id]);
      if (!stored) throw notFound("response", id);
      const merged = mergeResponse(stored, given);
      requireGivenAnswers(environment, survey, { data: given.data ?? {}, language: merged.language });
      const scope = { environmentId, responseId: id, finished: merged.finished };
      const decision = await decideLocked(tx, scope, evaluateSurveyQuotas(survey, merged));
      const decided =
        decision.end === null
          ? merged
          : { ...mergeResponse(stored, { ...given, finished: true }), endingId: decision.end.endingId };
      await writeChange(tx, environment, survey, stored, decided);
      await linkQuotas(tx, environmentId, id, decision);
      return decided.finished && (await completeSurvey(tx, survey));
    });
    if (isCompleted) environments.forget(environmentId);
    if (environment.listenedEvents.size > 0) outbox.announce();
    return withFiles(await loadResponse(db, environmentId, id));
  }

  async function writeChange(
    tx: Transaction,
    environment: EnvironmentConfiguration,
    survey: LiveSurvey,
    { id, version }: StoredRow,
    values: ResponseValues,
  ): Promise<void> {
    await tx.query(CHANGE_RESPONSE, [
      survey.environmentId,
      id,
      version,
      values.finished,
      values.endingId,
      values.language,
      JSON.stringify(values.data),
      JSON.stringify(values.variables),
      JSON.stringify(values.ttc),
      null,
      ...eventValues(survey, "responseUpdated", values.finished, { ...environment, newId }),
    ]);
  }

  /**
   * With its display and, once that is done, the files of its answers that no other response names.
   * Throws `not_found` (response), `forbidden`.
   */
  async function remove(caller: Principal, id: string): Promise<ResponseRecord> {
    const { environmentId, surveyId } = await findResponse(db, caller, id, "manage");
    const environment = await environments.configuration(environmentId);
    const survey = await surveys.find(environment, surveyId);
    const removed = await db.transaction(async (tx) => {
      const [response] = await tx.query<ResponseRecord>(
        `delete from responses t where "environmentId" = $1 and id = $2 returning ${RESPONSE_COLUMNS}`,
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
  async function removeFiles(survey: LiveSurvey, check: UploadCheck): Promise<void> {
    for (const file of findUploadedFiles(check))
      await discardFile(survey, file).catch((error: unknown) => {
        log.warn({ err: error, environmentId: survey.environmentId, surveyId: survey.id }, "uploaded file not deleted");
      });
  }

  /**
   * Deletes the files that answers named which are no more, as far as no response names them now. Nothing happens when
   * the survey is gone. Throws when the store is away: it may be repeated.
   */
  async function discardFiles({
    environmentId,
    surveyId,
    data,
  }: {
    environmentId: string;
    surveyId: string;
    data: Readonly<Record<string, unknown>>;
  }): Promise<void> {
    const environment = await environments.configuration(environmentId);
    const survey = await surveys.find(environment, surveyId).catch((error: unknown) => {
      if (error instanceof Problem && error.kind === "not_found") return null;
      throw error;
    });
    if (!survey) return;
    for (const file of findUploadedFiles(uploadCheck(environment, survey, data))) await discardFile(survey, file);
  }

  async function discardFile({ environmentId, id: surveyId }: LiveSurvey, file: UploadedFile): Promise<void> {
    const name = file.path.at(-1) ?? "";
    const named = await db.query(
      `select 1 from responses where "environmentId" = $1 and "surveyId" = $2
         and (strpos(data::text, $3) > 0 or strpos(data::text, $4) > 0) limit 1`,
      [environmentId, surveyId, name, encodeURIComponent(name)],
    );
    if (named.length === 0) await removeFile(file);
  }

  async function findSurvey(caller: Principal, id: string, level: PermissionLevel) {
    const environment = await environments.configuration(await findSurveyOwner(caller, id, level));
    return { environment, survey: await surveys.find(environment, id) };
  }

  /** The survey's environment. */
  async function findSurveyOwner(caller: Principal, id: string, level: PermissionLevel): Promise<string> {
    const columns = `t."environmentId"`;
    const { environmentId } = await findOwnedRow(db, caller, { columns, table: "surveys", id, resource: "survey", level });
    return environmentId;
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
    environment: EnvironmentConfiguration,
    survey: LiveSurvey,
    data: Readonly<Record<string, unknown>>,
  ): UploadCheck {
    const { id: surveyId } = survey;
    return {
      elements: elementsOf(survey),
      data,
      environmentId: environment.id,
      surveyId,
      ownOrigins: [publicUrl],
      unscopedOwnerIds: idsOf(environment),
    };
  }

  /** As {@link requireAnswers}, in the words of {@link createIn}; the length of respondents' own texts is free. */
  function requireGivenAnswers(
    environment: EnvironmentConfiguration,
    survey: LiveSurvey,
    { data, language }: { data: ResponseData; language: string | null },
  ): void {
    requireValidAnswers({
      survey,
      given: data,
      merged: data,
      language,
      limitsOther: false,
      ownOrigins: [publicUrl],
      unscopedOwnerIds: idsOf(environment),
      invalidUpload: INVALID_UPLOAD,
    });
  }

  function withFiles(response: ResponseRecord): ResponseRecord {
    return { ...response, data: withAbsoluteFiles(response.data, publicUrl) };
  }
}

const idsOf = ({ id, legacyId }: EnvironmentConfiguration): string[] => (legacyId === null ? [id] : [id, legacyId]);

const INVALID_UPLOAD =
  "Invalid file upload response: each file URL must reference a file uploaded to this survey's file-upload element";

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
