/** What happens between a survey on the page and the server it came from. */

import { fetchRecaptchaToken } from "../core/recaptcha.ts";
import { createFileUpload, type UploadFile } from "./file-upload.ts";
import type { RenderOptions } from "./options.ts";
import { createResponseQueue, type QueueStatus, type ResponseUpdate } from "./response-queue.ts";
import { createResponseSender } from "./response-sender.ts";
import { createSurveyApi } from "./survey-api.ts";
import { languageTag } from "./survey-language.ts";
import type { UnsentAnswers } from "./unsent-answers.ts";

export interface SurveySession {
  /** The survey appeared. */
  begin(): void;
  add(update: ResponseUpdate): void;
  retry(): void;
  upload: UploadFile;
}

export interface SurveySessionOptions {
  options: RenderOptions;
  fetch: typeof fetch;
  sleep: (ms: number) => Promise<void>;
  pageUrl: () => string;
  /** For scripts that are added to the page. */
  nonce: () => string | undefined;
  unsent: UnsentAnswers;
  onStatus: (status: QueueStatus) => void;
  /** A quota that is full ends the survey. */
  onEndedByQuota: (endingId: string | undefined) => void;
}

export function createSurveySession(given: SurveySessionOptions): SurveySession {
  return given.options.server === null ? sessionOfCaller(given) : sessionOfServer(given, given.options.server);
}

function sessionOfServer(
  { options, fetch, sleep, pageUrl, nonce, unsent, onStatus, onEndedByQuota }: SurveySessionOptions,
  server: { appUrl: string; environmentId: string },
): SurveySession {
  const { survey, callbacks, userId, contactId } = options;
  const generation = userId === undefined ? "v2" : "v1";
  const api = createSurveyApi({ ...server, generation, fetch });
  const respondent = userId === undefined ? { contactId } : { userId };
  const pinAuthToken = options.pinAuthToken ?? null;
  const response = {
    surveyId: survey.id,
    contactId: contactId ?? null,
    userId: userId ?? null,
    singleUseId: options.singleUseId ?? null,
    meta: metaOf(options, pageUrl),
  };
  const sender = createResponseSender({
    api,
    display: { surveyId: survey.id, ...respondent },
    response,
    pinAuthToken,
    getRecaptchaToken: () => recaptchaToken(options, nonce()),
    ...(options.responseId !== undefined && { resume: { displayId: null, responseId: options.responseId } }),
  });
  const unsentKey = `${survey.id} ${Math.random()}`;
  let isCreated = false;
  let isFinished = false;
  const queue = createResponseQueue({
    send: sender.send,
    sleep,
    onStatus,
    onAccepted: (update, { responseId, endedByQuota }) => {
      if (!isCreated && responseId !== null) {
        isCreated = true;
        callbacks.onResponseCreated({ responseId });
      }
      if (!isFinished && (update.finished || endedByQuota !== null)) {
        isFinished = true;
        callbacks.onFinished();
      }
      if (endedByQuota !== null) onEndedByQuota(endedByQuota.endingId);
    },
    onPending: (update) =>
      unsent.keep(unsentKey, update && { ...server, generation, ...sender.ids(), response, pinAuthToken, update }),
  });
  window.addEventListener("online", queue.retry);
  return {
    begin: () => {
      callbacks.onDisplay();
      void sender.display().then((isCounted) => {
        if (isCounted) callbacks.onDisplayCreated();
      });
    },
    // What a quota has finished takes no more answers.
    add: (update) => {
      if (!isFinished) queue.add(update);
    },
    retry: queue.retry,
    upload: createFileUpload({ api, surveyId: survey.id, fetch }),
  };
}

/** Sends what pages before this one could not; without a word to anybody, for whom it concerns has gone. */
export function resendUnsent({ unsent, fetch, sleep }: Pick<SurveySessionOptions, "unsent" | "fetch" | "sleep">): void {
  for (const [index, left] of unsent.takeLeft().entries()) {
    const { appUrl, environmentId, generation, response, pinAuthToken, displayId, responseId } = left;
    const sender = createResponseSender({
      api: createSurveyApi({ appUrl, environmentId, generation, fetch }),
      display: {},
      response,
      pinAuthToken,
      getRecaptchaToken: async () => null,
      resume: { displayId, responseId },
    });
    createResponseQueue({
      send: sender.send,
      sleep,
      onStatus: (status) => {
        if (status === "failed") unsent.keep(`${index} ${Math.random()}`, { ...left, ...sender.ids() });
      },
      onAccepted: () => {},
    }).add(left.update);
  }
}

/** Apps have no address worth telling. Source: client-api §9.4. */
function metaOf({ isWebEnvironment, action, source }: RenderOptions, pageUrl: () => string) {
  const url = pageUrl();
  return {
    ...(isWebEnvironment ? { url } : {}),
    ...(action === undefined ? {} : { action }),
    ...(source === undefined ? {} : { source }),
  };
}

/** `reportError` minds what it is called on, and takes one thing only. */
const log = { error: (_message: string, error: unknown) => reportError(error) };

/** The page's own way to a token, else, as in apps' web views and on link pages, one from here. */
async function recaptchaToken(
  { isSpamProtectionEnabled, recaptchaSiteKey: siteKey, callbacks }: RenderOptions,
  nonce: string | undefined,
): Promise<string | null> {
  if (!isSpamProtectionEnabled) return null;
  if (callbacks.getRecaptchaToken === undefined)
    return siteKey === undefined ? null : await fetchRecaptchaToken({ siteKey, nonce, log });
  const token = await callbacks.getRecaptchaToken().catch(() => null);
  return typeof token === "string" ? token : null;
}

/** SDKs from before 2025 and previews send everything themselves, and say when the last answer has arrived. */
function sessionOfCaller({ options, onStatus }: SurveySessionOptions): SurveySession {
  const { callbacks, survey } = options;
  callbacks.getSetIsError((isError) => onStatus(isError ? "failed" : "idle"));
  callbacks.getSetIsResponseSendingFinished((isSent) => onStatus(isSent ? "idle" : "sending"));
  return {
    begin: callbacks.onDisplay,
    add: (update) => {
      if (update.finished && callbacks.tellsWhenSent) onStatus("sending");
      callbacks.onResponse(update);
      if (update.finished) callbacks.onFinished();
    },
    retry: callbacks.onRetry,
    upload: async (file, element) => {
      const parameters = { allowedFileExtensions: element.allowedFileExtensions, surveyId: survey.id, elementId: element.id };
      const url = await callbacks.onFileUpload?.(file, parameters).catch(() => undefined);
      return typeof url === "string" ? { url } : { problem: "failed" };
    },
  };
}

/** The body of an update for what a block was answered with. */
export function updateOf(
  { survey }: Pick<RenderOptions, "survey">,
  languageCode: string,
  content: Omit<ResponseUpdate, "language">,
): ResponseUpdate {
  return { ...content, language: languageTag(survey, languageCode) };
}
