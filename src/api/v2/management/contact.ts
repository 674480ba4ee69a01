/** How this contract shows a contact wherever it lists them. */
import { z } from "zod";
import { storedObject } from "../../../http/stored-object.ts";
import { OWNER_IN_ANSWER } from "./owner.ts";

export const Attributes = storedObject(z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])));

export const Contact = z
  .object({
    id: z.string(),
    createdAt: z.date(),
    updatedAt: z.date(),
    userId: z.string().nullable(),
    email: z.string().nullable(),
    attributes: Attributes.meta({ description: "All but userId and email, in the types of their keys" }),
    ...OWNER_IN_ANSWER,
  })
  .meta({ id: "V2Contact" });

export const ContactDetails = Contact.extend({
  firstSeenAt: z.date(),
  lastSeenAt: z.date(),
  company: z
    .object({
      id: z.string(),
      companyId: z.string().meta({ description: "Your id for it", example: "acme" }),
      attributes: Attributes,
    })
    .nullable(),
  segments: z.array(z.string()).meta({
    description: "Ids of the segments that the contact is in now; filters about a device do not hold, for nobody is calling",
  }),
}).meta({
  id: "V2ContactDetails",
  example: {
    id: "cm5mg4rsa000008l44kqs9w1x",
    createdAt: "2026-01-07T10:00:00.000Z",
    updatedAt: "2026-02-01T08:30:00.000Z",
    firstSeenAt: "2026-01-07T10:00:00.000Z",
    lastSeenAt: "2026-02-01T08:30:00.000Z",
    userId: "user-42",
    email: "jane@example.com",
    attributes: { plan: "pro", seats: 3 },
    company: { id: "cm5mg4rsa000108l4h2d3c9zy", companyId: "acme", attributes: { name: "Acme" } },
    segments: ["cm5mg4rsa000208l45c0d7b1t"],
    workspaceId: "cm5mg4rsa000308l4a2b9e8fq",
    environmentId: "cm5mg4rsa000308l4a2b9e8fq",
  },
});
