/** Bodies of deliveries. Source: webhooks §4. Pure. */

export const WEBHOOK_TRIGGERS = ["responseFinished", "responseCreated", "responseUpdated"] as const;
export type WebhookTrigger = (typeof WEBHOOK_TRIGGERS)[number];

/** A response as the outbox keeps it (src/responses/response-statements.ts); dates are ISO texts. */
export interface ResponseSnapshot {
  id: string;
  createdAt: string;
  updatedAt: string;
  surveyId: string;
  finished: boolean;
  endingId: string | null;
  data: Record<string, unknown>;
  variables: Record<string, string | number>;
  ttc: Record<string, number>;
  meta: Record<string, unknown>;
  contact: { id: string; userId: string | null } | null;
  contactAttributes: Record<string, unknown> | null;
  singleUseId: string | null;
  language: string | null;
  displayId: string | null;
  tags: { id: string; name: string; createdAt: string; updatedAt: string }[];
  survey: { title: string; type: string; status: string; createdAt: string; updatedAt: string };
}

export interface MessageContent {
  webhookId: string;
  environmentId: string;
  event: string;
  payload: ResponseSnapshot;
  /** The address of this server, before the relative addresses of uploaded files. */
  publicUrl: string;
}

/** The body of a delivery, the same for each of its attempts. */
export function buildBody({ webhookId, environmentId, event, payload, publicUrl }: MessageContent): string {
  const { contact, tags } = payload;
  const data = {
    id: payload.id,
    createdAt: payload.createdAt,
    updatedAt: payload.updatedAt,
    surveyId: payload.surveyId,
    finished: payload.finished,
    endingId: payload.endingId,
    data: withAbsoluteFiles(payload.data, publicUrl),
    variables: payload.variables,
    ttc: payload.ttc,
    meta: payload.meta,
    contact: contact && { id: contact.id, ...(contact.userId !== null && { userId: contact.userId }) },
    contactAttributes: payload.contactAttributes,
    singleUseId: payload.singleUseId,
    language: payload.language,
    displayId: payload.displayId,
    tags: tags.map((tag) => ({ ...tag, workspaceId: environmentId, environmentId })),
    survey: payload.survey,
  };
  return JSON.stringify({ webhookId, event, data });
}

const STORED_FILE = /^\/storage\/[^/]+\/(public|private)\/./;

/** Answers of upload elements are lists of addresses; within this server they are stored without its own. */
function withAbsoluteFiles(data: Record<string, unknown>, publicUrl: string): Record<string, unknown> {
  const absolute = (value: unknown): unknown =>
    typeof value === "string" && STORED_FILE.test(value) ? `${publicUrl}${value}` : value;
  return Object.fromEntries(
    Object.entries(data).map(([key, value]) => [key, Array.isArray(value) ? value.map(absolute) : absolute(value)]),
  );
}

/** A response that looks like a real one, for trying out a webhook. */
export function buildSample({
  event,
  now,
  newId,
  survey,
}: {
  event: WebhookTrigger;
  now: Date;
  newId: () => string;
  /** The survey it pretends to answer. */
  survey: { id: string } & ResponseSnapshot["survey"];
}): ResponseSnapshot {
  const finished = event === "responseFinished";
  const { id: surveyId, ...told } = survey;
  const contact = { id: newId(), userId: "test-user" };
  return {
    id: newId(),
    createdAt: new Date(now.getTime() - 40_000).toISOString(),
    updatedAt: now.toISOString(),
    surveyId,
    finished,
    endingId: finished ? newId() : null,
    data: { rating: 5, reason: "This is a test delivery" },
    variables: {},
    ttc: finished ? { rating: 2100, reason: 5400, _total: 7500 } : { rating: 2100 },
    meta: { source: "test", userAgent: { browser: "Firefox", os: "Linux", device: "desktop" } },
    contact,
    contactAttributes: { userId: contact.userId },
    singleUseId: null,
    language: "default",
    displayId: null,
    tags: [],
    survey: told,
  };
}
