/** Google reCAPTCHA v3, for surveys with spam protection. Source: sdk-contract §3.2, §8.3. */
import type { Log } from "./log.ts";
import { addPageScript } from "./page-script.ts";

export interface RecaptchaOptions {
  siteKey: string;
  nonce: string | undefined;
  log: Pick<Log, "error">;
}

/** Null when no token can be had; the server decides what that means. */
export async function fetchRecaptchaToken({ siteKey, nonce, log }: RecaptchaOptions): Promise<string | null> {
  try {
    const src = `https://www.google.com/recaptcha/api.js?render=${encodeURIComponent(siteKey)}`;
    await addPageScript({ src, nonce, find: () => window.grecaptcha?.ready });
    await new Promise<void>((resolve) => window.grecaptcha?.ready(resolve));
    return (await window.grecaptcha?.execute(siteKey, { action: "submit_response" })) ?? null;
  } catch (error) {
    log.error("reCAPTCHA gave no token", error);
    return null;
  }
}

declare global {
  interface Window {
    grecaptcha?: {
      ready(callback: () => void): void;
      execute(siteKey: string, options: { action: string }): PromiseLike<string>;
    };
  }
}
