/** What a respondent must show before a new response is taken. Source: client-api §13. */
import { forbidden, invalid } from "../shared/problem.ts";
import type { LiveSurvey } from "../surveys/live-survey.ts";
import type { ResponseData } from "./answer-values.ts";
import type { RecaptchaVerifier } from "./recaptcha.ts";
import type { SingleUseFailure, SingleUseLinks } from "./single-use.ts";
import { type GateTokens, verifyTokenOf } from "./tokens.ts";

/** The gates whose order the contracts' generations differ in; the PIN is always first. */
export type Gate = "verifiedEmail" | "recaptcha" | "singleUse";

export interface GateRules {
  gates: readonly Gate[];
  /** What the caller is told, besides the message, of a single-use link that is not in order. */
  describeSingleUse(failure: SingleUseFailure, surveyId: string, environmentId: string): Record<string, string>;
}

/** What is shown at the gates. */
export interface Credentials {
  pinAuthToken: string | null;
  recaptchaToken: string | null;
  singleUseId: string | null;
  /** `meta.url`: the link through which a link survey was opened. */
  url: string | undefined;
}

export type Gates = ReturnType<typeof createGates>;

export function createGates({
  tokens,
  singleUseLinks,
  verifyRecaptcha,
}: {
  tokens: GateTokens;
  singleUseLinks: SingleUseLinks;
  verifyRecaptcha: RecaptchaVerifier;
}) {
  return { pass, requirePin };

  /**
   * Throws `forbidden` or `invalid` at the first gate that stays shut; returns the data, with the address that was
   * verified. `isRepeated` is asked before a token is spent that is good for one time only.
   */
  async function pass(
    survey: LiveSurvey,
    data: ResponseData,
    credentials: Credentials,
    rules: GateRules,
    isRepeated: () => Promise<boolean>,
  ): Promise<ResponseData> {
    requirePin(survey, credentials.pinAuthToken);
    let admitted = data;
    for (const gate of rules.gates) {
      if (gate === "verifiedEmail") admitted = withVerifiedEmail(survey, admitted, credentials);
      else if (gate === "singleUse") requireSingleUse(survey, credentials, rules);
      else await requireHuman(survey, credentials, isRepeated);
    }
    return admitted;
  }

  /** Throws `forbidden` when the survey has a PIN and the token does not say that it was entered. */
  function requirePin({ id, hasPin }: LiveSurvey, token: string | null): void {
    if (hasPin && !tokens.isPinValid(token, id)) throw forbidden("Survey is protected by a PIN", { details: { surveyId: id } });
  }

  function withVerifiedEmail(survey: LiveSurvey, data: ResponseData, { url }: Credentials): ResponseData {
    if (!survey.isVerifyEmailEnabled) return data;
    const verifiedEmail = tokens.readEmail(verifyTokenOf(url), survey.id);
    if (verifiedEmail === null) throw forbidden("Survey requires email verification", { details: { surveyId: survey.id } });
    return { ...data, verifiedEmail };
  }

  function requireSingleUse(survey: LiveSurvey, { singleUseId, url }: Credentials, rules: GateRules): void {
    const { id, environmentId, type, singleUse } = survey;
    if (type !== "link" || singleUse === null) return;
    const failure = singleUseLinks.check({ surveyId: id, isEncrypted: singleUse.isEncrypted, singleUseId, url });
    if (failure !== null) throw invalid(failure.message, { details: rules.describeSingleUse(failure, id, environmentId) });
  }

  async function requireHuman(
    { recaptcha }: LiveSurvey,
    { recaptchaToken }: Credentials,
    isRepeated: () => Promise<boolean>,
  ): Promise<void> {
    if (recaptcha === null) return;
    const details = { code: "recaptcha_verification_failed" };
    if (!recaptchaToken) throw invalid("Missing recaptcha token", { details });
    if (await isRepeated()) return;
    if (!(await verifyRecaptcha(recaptchaToken, recaptcha.threshold)))
      throw invalid("reCAPTCHA verification failed", { details });
  }
}
