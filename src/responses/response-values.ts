/** How a response's values are stored and changed. Source: client-api §9.3, §9.4 and §10. */
import { canonicalLanguage } from "../shared/language-tag.ts";
import { Problem } from "../shared/problem.ts";
import { describeUserAgent, type UserAgentDescription } from "../shared/user-agent.ts";
import type { ResponseData } from "./answer-values.ts";

/** A day: the longest time (ms) that one element is credited with. */
const MAX_ELEMENT_MS = 86_400_000;

/**
 * The largest response in bytes of JSON. One request is no larger, but changes add up, and each reads and writes
 * the whole.
 */
const MAX_RESPONSE_BYTES = 2_097_152;

/** Time to completion in ms by element id, with the sum under `_total` once the response is finished. */
export type TimesToCompletion = Record<string, number>;

/** A response's variables by id. */
export type ResponseVariables = Record<string, string | number>;

/** Each time between 0 and 24 hours. */
export const clampTtc = (ttc: Readonly<TimesToCompletion>): TimesToCompletion =>
  Object.fromEntries(Object.entries(ttc).map(([id, ms]) => [id, Math.min(Math.max(ms, 0), MAX_ELEMENT_MS)]));

/** With `_total`, the sum of the elements' times; a `_total` that is there already is replaced and not summed. */
export function withTotal(ttc: Readonly<TimesToCompletion>): TimesToCompletion {
  const { _total: _, ...elements } = ttc;
  return { ...elements, _total: Object.values(elements).reduce((sum, ms) => sum + ms, 0) };
}

/** The times of a new response: none given are none, also when it is finished. */
export function newTtc(ttc: Readonly<TimesToCompletion> | undefined, finished: boolean): TimesToCompletion {
  if (ttc === undefined) return {};
  const clamped = clampTtc(ttc);
  return finished ? withTotal(clamped) : clamped;
}

/** A response's language as it is stored: the canonical tag, what was sent if it is none, null for blank. */
export function storedLanguage(language: string | null | undefined): string | null {
  const sent = language?.trim() ?? "";
  return sent === "" ? null : (canonicalLanguage(sent) ?? sent);
}

/** What a change may touch, as it is stored. */
export interface ResponseValues {
  finished: boolean;
  endingId: string | null;
  language: string | null;
  data: ResponseData;
  variables: ResponseVariables;
  ttc: TimesToCompletion;
}

/** A change: what is absent stays. */
export interface ResponseChange {
  finished?: boolean | undefined;
  /** null clears it. */
  endingId?: string | null | undefined;
  language?: string | undefined;
  data?: ResponseData | undefined;
  variables?: ResponseVariables | undefined;
  ttc?: TimesToCompletion | undefined;
}

/**
 * A response after a change: data, variables and times are merged key by key (nothing can be removed), the rest is
 * replaced. Throws `too_large` when what has come together is larger than one request may be.
 */
export function mergeResponse(stored: ResponseValues, change: ResponseChange): ResponseValues {
  const merged: ResponseValues = {
    finished: change.finished ?? stored.finished,
    endingId: change.endingId === undefined ? stored.endingId : change.endingId,
    language: change.language === undefined ? stored.language : storedLanguage(change.language),
    data: { ...stored.data, ...change.data },
    variables: { ...stored.variables, ...change.variables },
    ttc: mergeTtc(stored.ttc, change),
  };
  requireSize(merged);
  return merged;
}

function mergeTtc(stored: TimesToCompletion, { ttc, finished }: ResponseChange): TimesToCompletion {
  const merged = { ...stored, ...clampTtc(ttc ?? {}) };
  return finished === true && Object.keys(merged).length > 0 ? withTotal(merged) : merged;
}

function requireSize({ data, variables, ttc }: ResponseValues): void {
  if (Buffer.byteLength(JSON.stringify({ data, variables, ttc })) <= MAX_RESPONSE_BYTES) return;
  throw new Problem("too_large", "Payload Too Large", {
    details: { error: `Response must not exceed ${MAX_RESPONSE_BYTES} bytes` },
  });
}

/** What is stored about the request that made a response; what is not known is absent. */
export interface ResponseMeta {
  source?: string;
  url?: string;
  action?: string;
  userAgent: Readonly<UserAgentDescription>;
  country?: string;
  ipAddress?: string;
}

/**
 * The meta of a new response. Of the client's own words only source, url and action are kept; the rest is what the
 * server saw, the address only where the survey captures it.
 */
export function buildResponseMeta({
  given = {},
  userAgent,
  country,
  ipAddress,
  isCaptureIpEnabled,
}: {
  given?: { source?: string | undefined; url?: string | undefined; action?: string | undefined } | undefined;
  /** The User-Agent header. */
  userAgent: string | undefined;
  country: string | undefined;
  ipAddress: string | undefined;
  isCaptureIpEnabled: boolean;
}): ResponseMeta {
  const { source, url, action } = given;
  return {
    ...(source === undefined ? {} : { source }),
    ...(url === undefined ? {} : { url }),
    ...(action === undefined ? {} : { action }),
    userAgent: describeUserAgent(userAgent),
    ...(country === undefined || country === "" ? {} : { country }),
    ...(!isCaptureIpEnabled || ipAddress === undefined ? {} : { ipAddress }),
  };
}
