/** The requests of a survey. Source: client-api §8–§10, §15; sdk-contract §5. */
import { isRecord } from "../../responses/answer-values.ts";

/** What came of a request: an answer's status and JSON, or null when there was no answer at all. */
export type Reply = { status: number; body: Readonly<Record<string, unknown>> } | null;

export interface SurveyApi {
  createDisplay(body: object): Promise<Reply>;
  createResponse(body: object): Promise<Reply>;
  updateResponse(responseId: string, body: object): Promise<Reply>;
  requestUpload(body: object): Promise<Reply>;
}

export interface SurveyApiOptions {
  appUrl: string;
  environmentId: string;
  /** v1 knows the respondent by user id, v2 by contact id. */
  generation: "v1" | "v2";
  fetch: typeof fetch;
}

const TIMEOUT_MS = 30_000;
/** Browsers hold requests that may outlive the page to 64 KiB altogether. */
const MAX_KEPT_ALIVE = 60_000;

export function createSurveyApi({ appUrl, environmentId, generation, fetch }: SurveyApiOptions): SurveyApi {
  const url = (version: string, path: string) => `${appUrl}/api/${version}/client/${encodeURIComponent(environmentId)}/${path}`;
  return {
    createDisplay: (body) => request("POST", url(generation, "displays"), body),
    createResponse: (body) => request("POST", url(generation, "responses"), body),
    updateResponse: (responseId, body) => request("PUT", url("v1", `responses/${encodeURIComponent(responseId)}`), body),
    requestUpload: (body) => request("POST", url("v1", "storage"), body),
  };

  async function request(method: string, address: string, body: object): Promise<Reply> {
    const json = JSON.stringify(body);
    const abort = new AbortController();
    const timer = setTimeout(() => abort.abort(), TIMEOUT_MS);
    try {
      const response = await fetch(address, {
        method,
        headers: { "Content-Type": "application/json" },
        body: json,
        signal: abort.signal,
        keepalive: json.length < MAX_KEPT_ALIVE, // the last answer is often followed by leaving the page
      });
      const answer: unknown = await response.json().catch(() => null);
      return { status: response.status, body: isRecord(answer) ? answer : {} };
    } catch {
      return null;
    } finally {
      clearTimeout(timer);
    }
  }
}

/** `data` of a successful answer; null for any other. */
export function dataOf(reply: Reply): Readonly<Record<string, unknown>> | null {
  return reply !== null && reply.status < 300 && isRecord(reply.body.data) ? reply.body.data : null;
}

/** `details` of an error. */
export const detailsOf = (reply: Reply): Readonly<Record<string, unknown>> =>
  isRecord(reply?.body.details) ? reply.body.details : {};
