/** Quotas: how many responses of a kind a survey takes. Rows of their own. Source: survey-model §15.2, client-api §12. */
import { z } from "zod";
import { Condition } from "./logic.ts";
import { RowId } from "./text.ts";

export const Quota = z
  .object({
    id: RowId,
    name: z.string().min(1),
    limit: z.int().min(1),
    logic: z.object({ connector: z.enum(["and", "or"]), conditions: z.array(Condition) }),
    action: z.enum(["endSurvey", "continueSurvey"]),
    endingCardId: z.string().nullable().default(null),
    countPartialSubmissions: z.boolean().default(false),
  })
  .refine(({ action, endingCardId }) => action !== "endSurvey" || endingCardId !== null, {
    message: "An ending is required to end the survey",
    path: ["endingCardId"],
  });
export type Quota = z.infer<typeof Quota>;
