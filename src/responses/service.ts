import { isDeepStrictEqual } from "node:util";
import type { Database, Transaction } from "../db/database.ts";
import { isMissingRow, isUnavailable, isUniqueViolation } from "../db/errors.ts";
import type { EnvironmentConfiguration, EnvironmentService } from "../environments/service.ts";
import { createBatcher } from "../shared/batcher.ts";
import { ID_PATTERN } from "../shared/ids.ts";
import { invalid, notFound, Problem, unavailable } from "../shared/problem.ts";
import { type LiveSurvey, type LiveSurveyService, requireAccepting } from "../surveys/live-survey.ts";
import type { Outbox } from "../webhooks/service.ts";
import { requireValidAnswers } from "./answer-checks.ts";
import type { ResponseData } from "./answer-values.ts";
import { completeSurvey, eventsOf, eventValues } from "./effects.ts";
import type { GateRules, Gates } from "./gates.ts";
import { decideLocked, evaluateSurveyQuotas, linkQuotas, outcomeFor } from "./quota-keeper.ts";
import { NO_QUOTA, type QuotaOutcome } from "./quotas.ts";
import { hashContent, requestKey, type Sender } from "./request-identity.ts";
import {
  CHANGE_RESPONSE,
  type CreateVerdict,
  DISPLAY_ANYWHERE,
  FIND_EARLIER,
  LOCK_RESPONSE,
  READ_RESPONSE,
  type ResponseToStore,
  type StoredRow,
  storeResponses,
} from "./response-statements.ts";
import {
  buildResponseMeta,
  mergeResponse,
  newTtc,
  type ResponseChange,
  type ResponseValues,
  type ResponseVariables,
  storedLanguage,
  type TimesToCompletion,
} from "./response-values.ts";

export type { QuotaOutcome } from "./quotas.ts";
export type { ResponseChange } from "./response-values.ts";

/** A new response as a contract has read it. */
export interface ResponseInput {
  surveyId: string;
  /** A contact that is not there is left out. */
  respondent: { userId: string } | { contactId: string } | null;
  displayId: string | null;
  singleUseId: string | null;
  pinAuthToken: string | null;
  recaptchaToken: string | null;
  finished: boolean;
  data: ResponseData;
  variables: ResponseVariables;
  ttc: TimesToCompletion | undefined;
  endingId: string | null;
  language: string | null;
  meta: { source?: string | undefined; url?: string | undefined; action?: string | undefined };
}

/** Who sent it, and from where. */
export interface ResponseSender extends Sender {
  /** As a proxy tells it. */
  country: string | undefined;
}

/** What the generations of a contract differ in. */
export interface ResponseRules extends GateRules {
  /** Whether texts of respondents' own at choice elements are limited in length. */
  limitsOther: boolean;
}

/** What is answered to a write. */
export interface SavedResponse {
  id: string;
  quota: QuotaOutcome;
}

export type ResponseService = ReturnType<typeof createResponseService>;

/** How often a new response that meets another one's traces in the middle of being stored is looked at again. */
const MAX_TRIES = 5;

/** New responses stored by one statement. */
const MAX_BATCH = 50;

/** New responses that wait for a connection. */
const MAX_WAITING = 2_000;

/** As a response that is stored finds its contact: by its id or user id, or those of one that was merged into it. */
const FIND_RESPONDENT = `
  select "contactId" as id from contact_aliases where "environmentId" = $1 and (id = $2 or "userId" = $3)
  union all
  select id from contacts where "environmentId" = $1 and (id = $2 or "userId" = $3)
  limit 1`;

interface NewResponse {
  environment: EnvironmentConfiguration;
  survey: LiveSurvey;
  input: ResponseInput;
  sender: ResponseSender;
  contentHash: string;
  key: string | null;
}

interface Change {
  environment: EnvironmentConfiguration;
  survey: LiveSurvey;
  change: ResponseChange;
  contentHash: string;
}

/** Responses: the answers to surveys. */
export function createResponseService({
  db,
  environments,
  surveys,
  gates,
  outbox,
  newId,
  ownOrigins,
}: {
  db: Database;
  environments: EnvironmentService;
  surveys: LiveSurveyService;
  gates: Gates;
  outbox: Pick<Outbox, "announce">;
  newId: () => string;
  /** Origins under which this server is reached, for the addresses of uploaded files. */
  ownOrigins: readonly string[];
}) {
  const batcher = createBatcher<ResponseToStore, CreateVerdict["obstacle"]>({
    run: (responses) => storeResponses(db, responses),
    isOfOneItem: (error) => !isUnavailable(error),
    // Those that may stand in each other's way come one after another.
    keyOf: ({ environmentId, id, surveyId, displayId, requestKey, singleUseId }) =>
      `${environmentId} ${singleUseId === null ? (displayId ?? requestKey ?? id) : `${surveyId} ${singleUseId}`}`,
    merge: () => null,
    maxRunning: db.namedConnections,
    maxBatch: MAX_BATCH,
    maxWaiting: MAX_WAITING,
  });
  return { create, change };

  /**
   * Stores a response with its quota links and events, all or nothing. A request that is sent again is answered as it
   * was, and stores nothing (src/decisions/0010). Throws in the contract's order: `not_found`, `invalid`, `forbidden`;
   * `conflict` when the single-use id was used.
   */
  async function create({
    environment,
    input,
    sender,
    rules,
  }: {
    environment: EnvironmentConfiguration;
    input: ResponseInput;
    sender: ResponseSender;
    rules: ResponseRules;
  }): Promise<SavedResponse> {
    const survey = await surveys.find(environment, input.surveyId);
    if (survey.environmentId !== environment.id)
      throw invalid("Survey is part of another workspace", { details: { workspaceId: environment.id } });
    const { pinAuthToken: _pin, recaptchaToken: _recaptcha, ...content } = input;
    const contentHash = hashContent(content);
    const key = requestKey({ sender, displayId: input.displayId, ttc: input.ttc, contentHash });
    const request: NewResponse = { environment, survey, input, sender, contentHash, key };
    if (survey.status !== "inProgress") return (await findRepeated(request)) ?? refuseClosed(survey);

    const credentials = { ...input, url: input.meta.url };
    const isRepeated = async () => (await findRepeated(request)) !== null;
    const data = await gates.pass(survey, input.data, credentials, rules, isRepeated);
    const { language } = input;
    requireValidAnswers({ survey, given: data, merged: data, language, limitsOther: rules.limitsOther, ownOrigins });
    if (input.displayId !== null && !ID_PATTERN.test(input.displayId)) throw invalid("Validation failed: Invalid cuid2");
    return await store({ ...request, input: { ...input, data } });
  }

  /**
   * Merges a change into an unfinished response: data, variables and times key by key. The change that was made last is
   * answered again as it was. Throws in the contract's order; `invalid` with the code `response_already_finished`.
   */
  async function change({
    environment,
    responseId,
    change: given,
    pinAuthToken,
  }: {
    environment: EnvironmentConfiguration;
    responseId: string;
    change: ResponseChange;
    pinAuthToken: string | null;
  }): Promise<SavedResponse> {
    if (!ID_PATTERN.test(responseId)) throw invalid("Validation failed: Invalid cuid2");
    const [stored] = await db.query<StoredRow>(READ_RESPONSE, [environment.id, responseId]);
    if (!stored) throw notFound("response", responseId);
    const survey = await surveys.find(environment, stored.surveyId);
    gates.requirePin(survey, pinAuthToken);
    const contentHash = hashContent(given);
    const change = survey.isVerifyEmailEnabled ? withoutVerifiedEmail(given) : given;
    return await applyChange({ environment, survey, change, contentHash }, stored);
  }

  /** Stores the response, or finds out why not. */
  async function store(request: NewResponse): Promise<SavedResponse> {
    const { survey, input } = request;
    for (let tries = 1; tries <= MAX_TRIES; tries++) {
      const outcome = await tryStore(request).catch(async (error: unknown) => {
        if (isUniqueViolation(error, "singleUseId")) return (await findRepeated(request)) ?? refuseUsedLink();
        // Another request stored the same response, or one of the same display, a moment ago: look at it.
        if (isUniqueViolation(error, "displayId") || isUniqueViolation(error, "requestKey")) return "again" as const;
        // The contact was merged or deleted a moment ago, or the display with it: they are looked up again.
        if (isMissingRow(error, "contactId") || isMissingRow(error, "displayId")) return "again" as const;
        if (isMissingRow(error)) throw notFound("survey", survey.id); // deleted a moment ago
        throw error;
      });
      if (typeof outcome === "object") return outcome;
      if (outcome === "again") continue;
      if (outcome === "repeated" || outcome === "linked") {
        const earlier = await answerEarlier(request, outcome);
        if (earlier !== null) return earlier;
      } else throw await displayProblem(outcome, input.displayId ?? "");
    }
    throw unavailable("The response is being changed by too many calls at once", 1);
  }

  /** One round trip, unless quotas or an automatic end of the survey have to be looked after. */
  async function tryStore(request: NewResponse): Promise<SavedResponse | Exclude<CreateVerdict["obstacle"], null>> {
    const { environment, survey, input } = request;
    const id = newId();
    const values = { ...input, language: storedLanguage(input.language) };
    const evaluation = evaluateSurveyQuotas(survey, values);
    const mayComplete = survey.autoComplete !== null && (input.finished || survey.quotas.length > 0);
    if (evaluation.passing.length === 0 && !mayComplete) {
      const obstacle = await batcher.submit(toStore(id, request, values));
      announceEvents(environment);
      return obstacle ?? { id, quota: NO_QUOTA };
    }

    const { obstacle, quota, isCompleted } = await db.transaction(async (tx) => {
      const scope = { environmentId: environment.id, responseId: id, finished: input.finished };
      const decision = await decideLocked(tx, scope, { ...evaluation, failing: [] }); // nothing is linked yet
      const decided = decision.end === null ? values : { ...values, finished: true, endingId: decision.end.endingId };
      const [obstacle = null] = await storeResponses(tx, [toStore(id, request, decided)]);
      if (obstacle !== null) return { obstacle, quota: NO_QUOTA, isCompleted: false };
      await linkQuotas(tx, environment.id, id, decision);
      const isCompleted = decided.finished && (await completeSurvey(tx, survey));
      return { obstacle, quota: decision.outcome, isCompleted };
    });
    if (isCompleted) environments.forget(environment.id);
    announceEvents(environment);
    return obstacle ?? { id, quota };
  }

  /** Called when they are committed, or perhaps were not there. */
  function announceEvents({ listenedEvents }: EnvironmentConfiguration): void {
    if (listenedEvents.size > 0) outbox.announce();
  }

  function toStore(
    id: string,
    { environment, survey, input, sender, contentHash, key }: NewResponse,
    { finished, endingId, language }: Pick<ResponseValues, "finished" | "endingId" | "language">,
  ): ResponseToStore {
    const { respondent } = input;
    const {
      survey: told,
      eventIds,
      eventTypes,
    } = eventsOf(survey, "responseCreated", finished, { listenedEvents: environment.listenedEvents, newId });
    return {
      environmentId: environment.id,
      id,
      surveyId: survey.id,
      contactId: respondent !== null && "contactId" in respondent ? respondent.contactId : null,
      userId: respondent !== null && "userId" in respondent ? respondent.userId : null,
      displayId: input.displayId,
      requestKey: key,
      requestHash: contentHash,
      singleUseId: input.singleUseId,
      finished,
      endingId,
      language,
      data: input.data,
      variables: input.variables,
      ttc: newTtc(input.ttc, finished),
      meta: buildResponseMeta({ given: input.meta, ...sender, isCaptureIpEnabled: survey.isCaptureIpEnabled }),
      createdAt: null,
      updatedAt: null,
      survey: told,
      eventIds,
      eventTypes,
    };
  }

  /** The answer to a request that an earlier one, equal to it, has been answered with; null when there was none. */
  async function findRepeated({ environment, survey, input, contentHash, key }: NewResponse): Promise<SavedResponse | null> {
    if (input.displayId === null && key === null) return null;
    const [earlier] = await db.query<StoredRow>(FIND_EARLIER, [environment.id, input.displayId, key]);
    return earlier !== undefined && isSameRequest(earlier, contentHash) ? await answerAgain(survey, earlier, input) : null;
  }

  /**
   * The answer of a new response whose place is taken: that of the earlier one if it is the same request, or one that
   * goes on with it. Null when the earlier one is gone.
   */
  async function answerEarlier(
    { environment, survey, input, contentHash, key }: NewResponse,
    obstacle: "repeated" | "linked",
  ): Promise<SavedResponse | null> {
    const [earlier] = await db.query<StoredRow>(FIND_EARLIER, [environment.id, input.displayId, key]);
    if (earlier === undefined) return null;
    if (isSameRequest(earlier, contentHash)) return await answerAgain(survey, earlier, input);
    if (obstacle === "repeated") throw reusedKey();
    if (earlier.finished || !(await isRespondent(environment, earlier, input.respondent)))
      throw await displayProblem("linked", input.displayId ?? "");
    const { finished, data, variables, ttc, endingId, language } = input;
    const change = { finished, data, variables, ttc, endingId: endingId ?? undefined, language: language ?? undefined };
    return await applyChange({ environment, survey, change, contentHash }, earlier);
  }

  async function answerAgain(survey: LiveSurvey, { id }: StoredRow, input: ResponseInput): Promise<SavedResponse> {
    const values = { ...input, language: storedLanguage(input.language) };
    return { id, quota: await outcomeFor(db, survey, id, values) };
  }

  /** Whether the response is this respondent's, or nobody's and there is no such contact. */
  async function isRespondent(
    environment: EnvironmentConfiguration,
    { contactId }: StoredRow,
    respondent: ResponseInput["respondent"],
  ): Promise<boolean> {
    const [contact] =
      respondent === null
        ? []
        : await db.query<{ id: string }>(FIND_RESPONDENT, [
            environment.id,
            "contactId" in respondent ? respondent.contactId : null,
            "userId" in respondent ? respondent.userId : null,
          ]);
    return (contact?.id ?? null) === contactId;
  }

  /**
   * Merges the change into the response. First as it was read, in one more round trip; should another change have come
   * between, again with the response locked. What quotas have to say takes the locked way at once.
   */
  async function applyChange(request: Change, stored: StoredRow): Promise<SavedResponse> {
    const { environment, survey, change } = request;
    if (isMadeAlready(request, stored)) return await answerChangeAgain(survey, stored);
    const mayFinish = survey.autoComplete !== null && (change.finished === true || survey.quotas.length > 0);
    if (survey.quotas.length === 0 && !mayFinish) {
      const merged = mergeChange(request, stored);
      if (await update(db, request, stored, merged)) {
        announceEvents(environment);
        return { id: stored.id, quota: NO_QUOTA };
      }
    }
    const { saved, isCompleted } = await db.transaction((tx) => applyLocked(tx, request, stored.id));
    announceEvents(environment);
    if (isCompleted) environments.forget(environment.id);
    return saved ?? (await answerChangeAgain(survey, stored));
  }

  async function applyLocked(
    tx: Transaction,
    request: Change,
    id: string,
  ): Promise<{ saved: SavedResponse | null; isCompleted: boolean }> {
    const { environment, survey } = request;
    const [stored] = await tx.query<StoredRow>(LOCK_RESPONSE, [environment.id, id]);
    if (!stored) throw notFound("response", id);
    if (isMadeAlready(request, stored)) return { saved: null, isCompleted: false };
    const merged = mergeChange(request, stored);
    const scope = { environmentId: environment.id, responseId: id, finished: merged.finished };
    const decision = await decideLocked(tx, scope, evaluateSurveyQuotas(survey, merged));
    const decided =
      decision.end === null
        ? merged
        : { ...mergeResponse(stored, { ...request.change, finished: true }), endingId: decision.end.endingId };
    if (!(await update(tx, request, stored, decided))) throw new Error("a locked response was changed");
    await linkQuotas(tx, environment.id, id, decision);
    const isCompleted = decided.finished && (await completeSurvey(tx, survey));
    return { saved: { id, quota: decision.outcome }, isCompleted };
  }

  function mergeChange({ survey, change }: Change, stored: StoredRow): ResponseValues {
    requireAccepting(survey);
    if (stored.finished) throw invalid("Response is already finished", { details: { code: "response_already_finished" } });
    const merged = mergeResponse(stored, change);
    requireValidAnswers({
      survey,
      given: change.data ?? {},
      merged: merged.data,
      language: merged.language,
      limitsOther: !survey.hasBlocks,
      ownOrigins,
    });
    return merged;
  }

  async function update(
    queries: Pick<Transaction, "query">,
    { environment, survey, contentHash }: Change,
    { id, version }: StoredRow,
    { finished, endingId, language, data, variables, ttc }: ResponseValues,
  ): Promise<boolean> {
    const rows = await queries.query(CHANGE_RESPONSE, [
      environment.id,
      id,
      version,
      finished,
      endingId,
      language,
      JSON.stringify(data),
      JSON.stringify(variables),
      JSON.stringify(ttc),
      contentHash,
      ...eventValues(survey, "responseUpdated", finished, { ...environment, newId }),
    ]);
    return rows.length > 0;
  }

  async function answerChangeAgain(survey: LiveSurvey, stored: StoredRow): Promise<SavedResponse> {
    return { id: stored.id, quota: await outcomeFor(db, survey, stored.id, stored) };
  }

  async function displayProblem(
    obstacle: "repeated" | "missing" | "survey" | "linked" | "contact",
    id: string,
  ): Promise<Problem> {
    if (obstacle === "missing") {
      const elsewhere = await db.query(DISPLAY_ANYWHERE, [id]);
      return invalid(`Display ${id} ${elsewhere.length > 0 ? "belongs to a different workspace" : "not found"}`);
    }
    if (obstacle === "survey") return invalid(`Display ${id} is associated with a different survey`);
    if (obstacle === "contact") return invalid(`Display ${id} belongs to a different contact`);
    return invalid(`Display ${id} is already linked to a response`);
  }
}

/** Whether the row was made, or last changed, by a request of this content. */
const isSameRequest = ({ requestHash, changeHash }: StoredRow, contentHash: string): boolean =>
  requestHash === contentHash || changeHash === contentHash;

/**
 * Whether the change was the last one and changes nothing any more. (A finished response takes no change; an unfinished
 * one may have been edited otherwise meanwhile.)
 */
function isMadeAlready({ change, contentHash }: Change, stored: StoredRow): boolean {
  if (!isSameRequest(stored, contentHash)) return false;
  const { finished, endingId, language, data, variables, ttc } = stored;
  const values = { finished, endingId, language, data, variables, ttc };
  return finished || isDeepStrictEqual(mergeResponse(values, change), values);
}

function withoutVerifiedEmail(change: ResponseChange): ResponseChange {
  if (change.data === undefined) return change;
  const { verifiedEmail: _, ...data } = change.data;
  return { ...change, data };
}

function refuseClosed(survey: LiveSurvey): never {
  requireAccepting(survey);
  throw new Error("the survey is accepting submissions");
}

function refuseUsedLink(): never {
  throw new Problem("conflict", "Response already submitted for this single-use link");
}

const reusedKey = () => new Problem("conflict", "The Idempotency-Key was used for another response");
