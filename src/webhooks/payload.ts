/** Bodies of deliveries. Source: webhooks §4 for those about responses, the others are ours. Pure. */
import type { AttributeValue } from "../shared/attributes.ts";

/** The events of the published APIs. */
export const RESPONSE_TRIGGERS = ["responseFinished", "responseCreated", "responseUpdated"] as const;

/** Events that the published APIs do not have. */
const OWN_TRIGGERS = [
  "contactCreated",
  "contactUpdated",
  "contactDeleted",
  "segmentEntered",
  "segmentLeft",
  "displayCreated",
  "eventTracked",
] as const;
export type OwnTrigger = (typeof OWN_TRIGGERS)[number];

export const WEBHOOK_TRIGGERS = [...RESPONSE_TRIGGERS, ...OWN_TRIGGERS] as const;
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

/** A contact as the change that is told of left it. Dates are ISO texts. */
export interface ContactSnapshot {
  id: string;
  userId: string | null;
  email: string | null;
  /** Of its company, the customer's id. */
  companyId: string | null;
  attributes: Readonly<Record<string, AttributeValue>>;
  createdAt: string;
  updatedAt: string;
}

/** `contactUpdated`: also what changed, attributes by their keys; `userId`, `email` and `companyId` by these names. */
export interface ContactChange extends ContactSnapshot {
  changedKeys: string[];
}

/** `contactDeleted`. Of a contact that was erased no more than our id is told. */
export interface ContactDeletion {
  id: string;
  userId: string | null;
  email: string | null;
  deletedAt: string;
}

/** `segmentEntered`, `segmentLeft`. */
export interface MembershipSnapshot {
  segment: { id: string; title: string };
  contact: ContactSnapshot;
}

/** `displayCreated`. */
export interface DisplaySnapshot {
  id: string;
  createdAt: string;
  surveyId: string;
  contact: { id: string; userId: string | null } | null;
}

/** `eventTracked`. */
export interface TrackedSnapshot {
  id: string;
  name: string;
  /** When it happened, not when it was told. */
  occurredAt: string;
  properties: Readonly<Record<string, unknown>>;
  /** The contract that brought it. */
  source: string;
  contact: { id: string; userId: string };
}

export type OwnSnapshot =
  | ContactSnapshot
  | ContactChange
  | ContactDeletion
  | MembershipSnapshot
  | DisplaySnapshot
  | TrackedSnapshot;
export type EventSnapshot = ResponseSnapshot | OwnSnapshot;

export interface MessageContent {
  webhookId: string;
  environmentId: string;
  event: string;
  payload: EventSnapshot;
  /** The address of this server, before the relative addresses of uploaded files. */
  publicUrl: string;
}

/** The body of a delivery, the same for each of its attempts. */
export function buildBody({ webhookId, event, payload, ...rest }: MessageContent): string {
  const data = "ttc" in payload ? buildResponseData(payload, rest) : payload;
  return JSON.stringify({ webhookId, event, data });
}

function buildResponseData(
  payload: ResponseSnapshot,
  { environmentId, publicUrl }: Pick<MessageContent, "environmentId" | "publicUrl">,
): object {
  const { contact, tags } = payload;
  return {
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
