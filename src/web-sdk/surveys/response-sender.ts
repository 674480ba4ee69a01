/** Turns updates into requests and answers into outcomes. Source: client-api §1, §9, §10; sdk-contract §5. */
import { isRecord } from "../../responses/answer-values.ts";
import { mergeUpdates, type ResponseUpdate, type SendResult } from "./response-queue.ts";
import { dataOf, detailsOf, type Reply, type SurveyApi } from "./survey-api.ts";

export interface Accepted {
  /** Null: none was given. */
  responseId: string | null;
  /** A quota was full and ends the survey, at an ending or without one. */
  endedByQuota: { endingId: string | undefined } | null;
}

export interface ResponseSender {
  /** Says that the survey is on the page; whether the server counted it. */
  display(): Promise<boolean>;
  send(update: ResponseUpdate): Promise<SendResult<Accepted>>;
  /** What a later page needs to send the rest; nulls where there is nothing yet. */
  ids(): { displayId: string | null; responseId: string | null };
}

export interface ResponseSenderOptions {
  api: SurveyApi;
  /** Members of the display's body. */
  display: object;
  /** Members of the new response's body beside the answers. */
  response: object;
  pinAuthToken: string | null;
  /** Null: no protection, or no token can be had, which the server then answers. */
  getRecaptchaToken: () => Promise<string | null>;
  /** What a page before this one got to. */
  resume?: { displayId: string | null; responseId: string | null };
}

const RETRIED_STATUSES = new Set([401, 404, 408, 425, 429]);

export function createResponseSender({
  api,
  display: displayBody,
  response,
  pinAuthToken,
  getRecaptchaToken,
  resume,
}: ResponseSenderOptions): ResponseSender {
  let displayId = resume?.displayId ?? null;
  let displaying: Promise<boolean> = Promise.resolve(false);
  let responseId = resume?.responseId ?? null;
  let accepted: ResponseUpdate | null = null;
  let unanswered: ResponseUpdate | null = null;
  return { display, send, ids: () => ({ displayId, responseId }) };

  function display(): Promise<boolean> {
    displaying = api.createDisplay(displayBody).then((reply) => {
      const id = dataOf(reply)?.id;
      displayId = typeof id === "string" ? id : null;
      return displayId !== null;
    });
    return displaying;
  }

  async function send(update: ResponseUpdate): Promise<SendResult<Accepted>> {
    const reply = responseId === null ? await create(update) : await change(responseId, update);
    const result = readReply(reply, update);
    if (result.outcome === "accepted") {
      responseId = result.accepted.responseId ?? responseId;
      accepted = accepted === null ? update : mergeUpdates(accepted, update);
    }
    unanswered = reply === null ? update : null;
    return result;
  }

  async function create(update: ResponseUpdate): Promise<Reply> {
    await displaying; // a display that failed costs its id, not the answers
    const recaptchaToken = await getRecaptchaToken();
    const all = accepted === null ? update : mergeUpdates(accepted, update);
    return await api.createResponse({
      ...response,
      displayId,
      pinAuthToken,
      ...all,
      ...(recaptchaToken === null ? {} : { recaptchaToken }),
    });
  }

  /** A change that went unanswered and is then answered 404 was made to a response that is gone: it is made anew. */
  async function change(id: string, update: ResponseUpdate): Promise<Reply> {
    const reply = await api.updateResponse(id, { ...update, pinAuthToken });
    if (reply?.status !== 404 || unanswered !== update) return reply;
    responseId = null;
    return await create(update);
  }
}

function readReply(reply: Reply, update: ResponseUpdate): SendResult<Accepted> {
  if (reply === null || reply.status >= 500 || RETRIED_STATUSES.has(reply.status)) return { outcome: "retry" };
  const data = dataOf(reply);
  if (data !== null) return { outcome: "accepted", accepted: readAccepted(data) };
  if (reply.status < 400) return { outcome: "retry" };
  if (isAlreadyFinished(reply))
    return update.finished
      ? { outcome: "accepted", accepted: { responseId: null, endedByQuota: null } } // its first answer was lost
      : { outcome: "refused", reason: "finished" };
  const isCaptcha = detailsOf(reply).code === "recaptcha_verification_failed";
  return { outcome: "refused", reason: isCaptcha ? "recaptcha" : "other" };
}

function readAccepted({ id, quotaFull, quota }: Readonly<Record<string, unknown>>): Accepted {
  const isEnd = quotaFull === true && isRecord(quota) && quota.action === "endSurvey";
  const endingId = isEnd && typeof quota.endingCardId === "string" ? quota.endingCardId : undefined;
  return { responseId: typeof id === "string" ? id : null, endedByQuota: isEnd ? { endingId } : null };
}

function isAlreadyFinished(reply: Reply): boolean {
  if (reply === null) return false;
  const { message } = reply.body;
  return (
    reply.status === 409 ||
    detailsOf(reply).code === "response_already_finished" ||
    (reply.status === 400 && typeof message === "string" && message.includes("already finished"))
  );
}
