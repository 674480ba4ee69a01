import { z } from "zod";
import { RESPONSE_TRIGGERS, WEBHOOK_TRIGGERS } from "./payload.ts";

/** What a webhook may ask for. What it may not is refused in the words of the published APIs, which know only their own. */
export const WebhookTriggerInput = z
  .enum(WEBHOOK_TRIGGERS, {
    error: ({ code }) =>
      code === "invalid_value"
        ? `Invalid option: expected one of ${RESPONSE_TRIGGERS.map((name) => `"${name}"`).join("|")}`
        : undefined,
  })
  .meta({
    description:
      "Those about responses are Formbricks'. The others are Mortar's own; `surveyIds` does not limit those that are not about a survey.",
  });
