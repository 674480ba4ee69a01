/** Follow-ups: e-mails after a response. Kept as given; who they go to is checked in `survey-rules.ts`. Source: survey-model §15.1. */
import { z } from "zod";
import { RowId } from "./text.ts";
import { wireDate } from "./wire-date.ts";

const Trigger = z.discriminatedUnion("type", [
  z.object({ type: z.literal("response"), properties: z.null() }),
  z.object({ type: z.literal("endings"), properties: z.object({ endingIds: z.array(z.string()) }) }),
]);

const Action = z.object({
  type: z.literal("send-email"),
  properties: z.object({
    to: z.string(),
    from: z.email(),
    replyTo: z.array(z.email()),
    subject: z.string(),
    body: z.string(),
    attachResponseData: z.boolean(),
    includeVariables: z.boolean().optional(),
    includeHiddenFields: z.boolean().optional(),
  }),
});

/** On input the id may be missing: the server gives one. */
export const FollowUpInput = z.object({
  id: RowId.optional(),
  surveyId: RowId.nullish(),
  name: z.string(),
  createdAt: wireDate.optional(),
  updatedAt: wireDate.optional(),
  trigger: Trigger,
  action: Action,
});
export type FollowUpInput = z.infer<typeof FollowUpInput>;

export interface FollowUp {
  id: string;
  name: string;
  trigger: FollowUpInput["trigger"];
  action: FollowUpInput["action"];
}
