/** The bodies of responses. Source: client-api §9.1, §10. */
import { z } from "zod";
import type { ResponseChange, ResponseInput } from "../../responses/service.ts";
import { checkBody, objectOrEmpty } from "./checked-body.ts";
import type { ClientApiOptions } from "./options.ts";
import { SIGNATURE } from "./user-signature.ts";

/** Single-use ids are in an index, whose entries have a size. */
const MAX_SINGLE_USE_ID_LENGTH = 255;

const Answer = z.union([z.string(), z.number(), z.array(z.string()), z.record(z.string(), z.string())]);

const Data = z
  .record(z.string(), Answer)
  .meta({ description: "Answers by element id, and hidden fields by field id", example: { q1: "Great" } });
const Variables = z.record(z.string(), z.union([z.string(), z.number()]));
const TimesToCompletion = z.record(z.string(), z.number()).meta({ description: "Milliseconds by element id" });

/** Accepted when it could be a date, and ignored. The texts are those of the reference's validator. */
const IgnoredDate = z
  .unknown()
  .optional()
  .refine(
    (value) => value === undefined || z.coerce.date().safeParse(value).success,
    "Invalid input: expected date, received Date",
  );

const shared = {
  surveyId: z.cuid2(),
  finished: z.boolean(),
  data: Data,
  displayId: z.string().nullish(),
  singleUseId: z.string().max(MAX_SINGLE_USE_ID_LENGTH).nullish(),
  pinAuthToken: z.string().nullish(),
  recaptchaToken: z.string().nullish(),
  endingId: z.string().nullish(),
  language: z.string().optional(),
  variables: Variables.optional(),
  ttc: TimesToCompletion.optional(),
  meta: z
    .object({ source: z.string().optional(), url: z.string().optional(), action: z.string().optional() })
    .optional()
    .meta({ description: "Where the survey was answered; other members are ignored" }),
  createdAt: IgnoredDate,
  updatedAt: IgnoredDate,
};

const V1ResponseBody = z
  .object({ ...shared, userId: z.string().nullish(), userIdSignature: z.string().optional().meta(SIGNATURE) })
  .meta({ id: "V1ResponseBody" });
const V2ResponseBody = z.object({ ...shared, contactId: z.cuid2().nullish() }).meta({ id: "V2ResponseBody" });

/** By generation: v1 names the respondent by user id, v2 by contact id. */
export const RESPONSE_BODIES = { v1: V1ResponseBody, v2: V2ResponseBody };

export const ResponseChangeBody = z
  .object({
    finished: z.boolean().optional(),
    endingId: z.string().nullish(),
    language: z.string().optional(),
    data: Data.optional(),
    variables: Variables.optional(),
    ttc: TimesToCompletion.optional(),
    pinAuthToken: z.string().nullish(),
  })
  .meta({ id: "ResponseChangeBody" });

export function readResponse(generation: ClientApiOptions["generation"], json: unknown): ResponseInput {
  const body = objectOrEmpty(json);
  if (generation === "v1") {
    const { userId, ...fields } = checkBody(V1ResponseBody, body);
    return { ...inputOf(fields), respondent: userId ? { userId } : null };
  }
  const { contactId, ...fields } = checkBody(V2ResponseBody, body);
  return { ...inputOf(fields), respondent: contactId ? { contactId } : null };
}

/** An empty id or token is none, as in the reference. */
function inputOf({
  surveyId,
  finished,
  data,
  displayId,
  singleUseId,
  pinAuthToken,
  recaptchaToken,
  endingId,
  language,
  variables = {},
  ttc,
  meta = {},
}: Omit<z.output<typeof V1ResponseBody>, "userId">): Omit<ResponseInput, "respondent"> {
  return {
    surveyId,
    finished,
    data,
    displayId: displayId || null,
    singleUseId: singleUseId || null,
    pinAuthToken: pinAuthToken ?? null,
    recaptchaToken: recaptchaToken ?? null,
    endingId: endingId ?? null,
    language: language ?? null,
    variables,
    ttc,
    meta,
  };
}

export function readResponseChange(json: unknown): { change: ResponseChange; pinAuthToken: string | null } {
  const { pinAuthToken = null, ...change } = checkBody(ResponseChangeBody, json);
  return { change, pinAuthToken };
}
