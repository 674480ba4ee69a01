/** Envelopes of the v1 management API. Source: management-api-v1 §2.4, §2.5. */
import { z } from "zod";
import { createCodedErrorPresenter } from "../../http/coded-error.ts";

export const presentV1Error = createCodedErrorPresenter({
  malformed: { details: {} },
  unauthenticated: { message: "Not authenticated", details: { "x-Api-Key": "Header not provided or API Key invalid" } },
  // "authenticated, but not allowed" is 401 in this contract
  forbidden: { status: 401, code: "unauthorized", message: "You are not authorized to access this resource", details: {} },
  unexpected: { message: "Something went wrong. Please try again.", details: {} },
});

export const V1Error = z
  .object({ code: z.string(), message: z.string(), details: z.record(z.string(), z.string().nullable()) })
  .meta({ id: "V1Error" });
