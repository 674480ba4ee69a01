/** A response in the words of this contract. Source: management-api-v1 §10. */
import { z } from "zod";
import { storedObject } from "../../../http/stored-object.ts";
import type { ResponseRecord } from "../../../responses/management.ts";
import { presentTenant, tenantFields } from "./tenant.ts";

/** Stored JSON is shown as it is: an import may have brought anything. */
const Stored = storedObject(z.record(z.string(), z.unknown()));

export const V1Response = z
  .object({
    id: z.string(),
    createdAt: z.date(),
    updatedAt: z.date(),
    surveyId: z.string(),
    finished: z.boolean(),
    endingId: z.string().nullable().meta({ description: "The ending that was reached" }),
    data: Stored.meta({
      description: "Answers by element id, and hidden fields by field id: text, number, list of texts, or texts by row",
      example: { feel: 5, why: "Docs were clear" },
    }),
    variables: Stored,
    ttc: Stored.meta({ description: "Milliseconds by element id, and their sum as `_total` once it is finished" }),
    meta: Stored.meta({ description: "Where the survey was answered" }),
    contact: z.object({ id: z.string(), userId: z.string().optional() }).nullable(),
    contactAttributes: Stored.nullable().meta({ description: "Those of the contact when the response was made" }),
    singleUseId: z.string().nullable(),
    language: z.string().nullable(),
    displayId: z.string().nullable(),
    tags: z.array(z.object({ id: z.string(), createdAt: z.string(), updatedAt: z.string(), name: z.string(), ...tenantFields })),
  })
  .meta({ id: "V1Response" });

export const presentResponse = ({ contact, tags, ...response }: ResponseRecord) => ({
  ...response,
  contact: contact && { id: contact.id, userId: contact.userId ?? undefined },
  tags: tags.map((tag) => ({ ...tag, ...presentTenant(response) })),
});
