import type { AttributeValue } from "../shared/attributes.ts";
import type { ContactSnapshot, EventSnapshot, ResponseSnapshot, WebhookTrigger } from "./payload.ts";

/** What a sample is made of. */
export interface SampleGround {
  now: Date;
  newId: () => string;
  /** The survey that it pretends to be about. */
  survey: { id: string } & ResponseSnapshot["survey"];
  /** The segment that its contact pretends to be in. */
  segment: { id: string; title: string };
}

/** What an event of this kind could tell, for trying out a webhook. Pure but for `newId`. */
export function buildSample(event: WebhookTrigger, ground: SampleGround): EventSnapshot {
  const contact = sampleContact(ground);
  const { newId, now, survey, segment } = ground;
  switch (event) {
    case "responseCreated":
    case "responseUpdated":
    case "responseFinished":
      return sampleResponse(event === "responseFinished", contact, ground);
    case "contactCreated":
      return contact;
    case "contactDeleted":
      return { id: contact.id, userId: contact.userId, email: contact.email, deletedAt: now.toISOString() };
    case "contactUpdated":
      return { ...contact, changedKeys: ["plan"] };
    case "segmentEntered":
    case "segmentLeft":
      return { segment, contact };
    case "displayCreated":
      return { id: newId(), createdAt: now.toISOString(), surveyId: survey.id, contact: nameOf(contact) };
    case "eventTracked":
      return {
        id: newId(),
        name: "Test event",
        occurredAt: now.toISOString(),
        properties: { test: true, amount: 49.9 },
        source: "test",
        contact: nameOf(contact),
      };
  }
}

const USER_ID = "test-user";

const nameOf = ({ id }: ContactSnapshot) => ({ id, userId: USER_ID });

function sampleContact({ now, newId }: SampleGround): ContactSnapshot {
  const attributes: Record<string, AttributeValue> = { firstName: "Ada", plan: "pro" };
  const createdAt = new Date(now.getTime() - 86_400_000).toISOString();
  return {
    ...{ id: newId(), userId: USER_ID, email: "test-user@example.com", companyId: null, attributes },
    ...{ createdAt, updatedAt: now.toISOString() },
  };
}

function sampleResponse(finished: boolean, contact: ContactSnapshot, { now, newId, survey }: SampleGround): ResponseSnapshot {
  const { id: surveyId, ...told } = survey;
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
    contact: nameOf(contact),
    contactAttributes: { userId: USER_ID },
    singleUseId: null,
    language: "default",
    displayId: null,
    tags: [],
    survey: told,
  };
}
