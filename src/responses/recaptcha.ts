/** Google reCAPTCHA v3, asked whether a respondent is a human. Source: client-api §13. */
import { z } from "zod";

const VERIFY_URL = "https://www.google.com/recaptcha/api/siteverify";
const TIMEOUT_MS = 5_000;

const Verdict = z.object({ success: z.boolean(), score: z.number().optional() });

export type RecaptchaVerifier = (token: string, threshold: number) => Promise<boolean>;

/**
 * Tells whether the token is genuine and its score, if it has one, reaches the threshold (0 to 1). Without both keys,
 * and whenever Google does not answer properly within 5 s, it is not.
 */
export function createRecaptchaVerifier({
  siteKey,
  secretKey,
  fetch,
}: {
  siteKey: string | undefined;
  secretKey: string | undefined;
  fetch: typeof globalThis.fetch;
}): RecaptchaVerifier {
  return async function verify(token, threshold) {
    if (siteKey === undefined || secretKey === undefined) return false;
    const verdict = await ask(token, secretKey).catch(() => null);
    return verdict?.success === true && (verdict.score ?? 1) >= threshold;
  };

  async function ask(token: string, secret: string): Promise<z.output<typeof Verdict>> {
    const response = await fetch(VERIFY_URL, {
      method: "POST",
      body: new URLSearchParams({ secret, response: token }),
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    if (!response.ok) throw new Error(`reCAPTCHA answered ${response.status}`);
    return Verdict.parse(await response.json());
  }
}
