/** Google reCAPTCHA v3, for surveys with spam protection. Source: sdk-contract §3.2, §8.3. */
import type { Log } from "./log.ts";
import { addPageScript } from "./page-script.ts";

export interface RecaptchaOptions {
  siteKey: string;
  nonce: string | undefined;
  log: Pick<Log, "error">;
}

const WAIT_MS = 10_000;

/** Null when no token can be had; the server decides what that means. */
export async function fetchRecaptchaToken({ siteKey, nonce, log }: RecaptchaOptions): Promise<string | null> {
  try {
    const src = `https://www.google.com/recaptcha/api.js?render=${encodeURIComponent(siteKey)}`;
    await addPageScript({ src, nonce, find: () => window.grecaptcha?.ready });
    return await Promise.race([execute(siteKey), giveUp()]);
  } catch (error) {
    log.error("reCAPTCHA gave no token", error);
    return null;
  }
}

async function execute(siteKey: string): Promise<string | null> {
  await new Promise<void>((resolve) => window.grecaptcha?.ready(resolve));
  return (await window.grecaptcha?.execute(siteKey, { action: "submit_response" })) ?? null;
}

/** Answers wait for it, and it may be cut off from its server and never say so. */
const giveUp = (): Promise<never> =>
  new Promise((_resolve, reject) => setTimeout(() => reject(new Error("reCAPTCHA did not answer in time")), WAIT_MS));

declare global {
  interface Window {
    grecaptcha?: {
      ready(callback: () => void): void;
      execute(siteKey: string, options: { action: string }): PromiseLike<string>;
    };
  }
}
