/** The bodies of responses. Source: management-api-v1 §10.3, §10.4. */
import { z } from "zod";
import type { NewResponse } from "../../../responses/management.ts";
import { ID_PATTERN } from "../../../shared/ids.ts";
import { tenantInput } from "./tenant.ts";

/** Single-use ids are in an index, whose entries have a size. */
const MAX_SINGLE_USE_ID_LENGTH = 255;

const Answer = z.union([z.string(), z.number(), z.array(z.string()), z.record(z.string(), z.string())]);
const Answers = z
  .record(z.string(), Answer)
  .meta({ description: "Answers by element id, and hidden fields by field id", example: { feel: 5, why: "Docs were clear" } });
const Variables = z.record(z.string(), z.union([z.string(), z.number()]));
const Times = z.record(z.string(), z.number()).meta({ description: "Milliseconds by element id" });

/** Any text that a date can be made of, within the years that the database knows. */
const ResponseDate = z.coerce
  .date()
  .min(new Date("0001-01-01T00:00:00.000Z"))
  .max(new Date("9999-12-31T23:59:59.999Z"))
  .meta({ type: "string", format: "date-time" });

const Meta = z
  .object({
    source: z.string().optional(),
    url: z.string().optional(),
    userAgent: z.object({ browser: z.string().optional(), os: z.string().optional(), device: z.string().optional() }).optional(),
    country: z.string().optional(),
    action: z.string().optional(),
    ipAddress: z.string().optional(),
  })
  .meta({ description: "Where the survey was answered; other members are dropped" });

export const ResponseCreate = z.object({
  surveyId: z.string().regex(ID_PATTERN, "Invalid cuid2"),
  finished: z.boolean(),
  data: Answers,
  userId: z.string().nullish().meta({ description: "Of the contact who answered; left out when there is none" }),
  displayId: z.string().nullish(),
  singleUseId: z.string().max(MAX_SINGLE_USE_ID_LENGTH).nullish(),
  endingId: z.string().nullish(),
  language: z.string().optional(),
  variables: Variables.optional(),
  ttc: Times.optional(),
  meta: Meta.optional(),
  createdAt: ResponseDate.optional().meta({ description: "When it was made, if not now" }),
  updatedAt: ResponseDate.optional().meta({ description: "That of its making when absent" }),
});

/** With the environment, for the documentation. */
export const ResponseCreateBody = ResponseCreate.extend(tenantInput);

export const ResponseUpdate = z.object({
  finished: z.boolean().optional(),
  endingId: z.string().nullish(),
  data: Answers.optional(),
  variables: Variables.optional(),
  ttc: Times.optional(),
  language: z.string().optional(),
});

/** An empty id is none, as in the reference. */
export const readNewResponse = ({ userId, displayId, singleUseId, ...fields }: z.output<typeof ResponseCreate>): NewResponse => ({
  ...fields,
  userId: userId || undefined,
  displayId: displayId || null,
  singleUseId: singleUseId || null,
});
