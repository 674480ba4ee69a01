/** Bodies of the events that the published APIs do not have, as the OpenAPI document shows them. See payload.ts. */
import { z } from "zod";
import type { OwnTrigger } from "./payload.ts";

const Named = z.object({ id: z.string(), userId: z.string().nullable() });

const Contact = z.object({
  id: z.string(),
  userId: z.string().nullable(),
  email: z.string().nullable(),
  companyId: z.string().nullable().meta({ description: "The customer's id of the contact's company" }),
  attributes: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])),
  createdAt: z.iso.datetime(),
  updatedAt: z.iso.datetime(),
});

const Membership = z.object({ segment: z.object({ id: z.string(), title: z.string() }), contact: Contact });

const DATA = {
  contactCreated: Contact,
  contactUpdated: Contact.extend({
    changedKeys: z.array(z.string()).meta({ description: "Keys of attributes; also userId, email and companyId" }),
  }),
  contactDeleted: z.object({
    id: z.string(),
    userId: z.string().nullable().meta({ description: "Null when the contact was erased" }),
    email: z.string().nullable(),
    deletedAt: z.iso.datetime(),
  }),
  segmentEntered: Membership,
  segmentLeft: Membership,
  displayCreated: z.object({
    id: z.string(),
    createdAt: z.iso.datetime(),
    surveyId: z.string(),
    contact: Named.nullable(),
  }),
  eventTracked: z.object({
    id: z.string(),
    name: z.string(),
    occurredAt: z.iso.datetime(),
    properties: z.record(z.string(), z.unknown()),
    source: z.string().meta({ description: "The API that brought it", example: "userpilot" }),
    contact: z.object({ id: z.string(), userId: z.string() }),
  }),
} as const satisfies Record<OwnTrigger, z.ZodType>;

/** The whole body of each event's delivery. */
export const OWN_EVENT_BODIES: ReadonlyMap<string, z.ZodType> = new Map(
  Object.entries(DATA).map(([event, data]) => [event, z.object({ webhookId: z.string(), event: z.literal(event), data })]),
);
