/**
 * What a respondent to a link survey shows for having passed a gate: a token saying that the PIN was right (one
 * hour), or which e-mail address was verified (seven days). Private to the server: `v1.<payload>.<signature>`, both
 * base64url, signed with HMAC-SHA256 under a key derived from the encryption key. Source: client-api §13.
 */
import { createHmac, hkdfSync } from "node:crypto";
import { z } from "zod";
import { equalsInConstantTime } from "../shared/constant-time.ts";

const PIN_LIFETIME_MS = 3_600_000;
const EMAIL_LIFETIME_MS = 7 * 24 * 3_600_000;
/** Longer texts are no tokens of ours and are not looked at. */
const MAX_TOKEN_LENGTH = 2048;

const Payload = z.object({
  purpose: z.enum(["pin", "email"]),
  surveyId: z.string(),
  email: z.string().optional(),
  expiresAt: z.number(),
});
type Payload = z.output<typeof Payload>;

export type GateTokens = ReturnType<typeof createGateTokens>;

/** @param now the time in ms */
export function createGateTokens({ encryptionKey, now }: { encryptionKey: string; now: () => number }) {
  const key = Buffer.from(hkdfSync("sha256", encryptionKey, "", "mortar survey gate tokens v1", 32));
  return { issuePin, isPinValid, issueEmail, readEmail };

  /** For who entered the survey's PIN. */
  function issuePin(surveyId: string): string {
    return issue({ purpose: "pin", surveyId, expiresAt: now() + PIN_LIFETIME_MS });
  }

  function isPinValid(token: string | null | undefined, surveyId: string): boolean {
    return read(token, "pin", surveyId) !== null;
  }

  /** For the link that is mailed to an address; who opens it has verified the address for this survey. */
  function issueEmail(surveyId: string, email: string): string {
    return issue({ purpose: "email", surveyId, email, expiresAt: now() + EMAIL_LIFETIME_MS });
  }

  /** The verified address; null when the token is not a valid one for this survey. */
  function readEmail(token: string | null | undefined, surveyId: string): string | null {
    return read(token, "email", surveyId)?.email ?? null;
  }

  function issue(payload: Payload): string {
    const body = `v1.${Buffer.from(JSON.stringify(payload)).toString("base64url")}`;
    return `${body}.${sign(body)}`;
  }

  function read(token: string | null | undefined, purpose: Payload["purpose"], surveyId: string): Payload | null {
    if (!token || token.length > MAX_TOKEN_LENGTH) return null;
    const end = token.lastIndexOf(".");
    const body = token.slice(0, Math.max(end, 0));
    if (!body.startsWith("v1.") || !equalsInConstantTime(token.slice(end + 1), sign(body))) return null;
    const payload = parsePayload(body.slice("v1.".length));
    const isValid = payload?.purpose === purpose && payload.surveyId === surveyId && payload.expiresAt > now();
    return isValid ? payload : null;
  }

  function sign(body: string): string {
    return createHmac("sha256", key).update(body).digest("base64url");
  }
}

function parsePayload(encoded: string): Payload | null {
  try {
    return Payload.parse(JSON.parse(Buffer.from(encoded, "base64url").toString("utf8")));
  } catch {
    return null;
  }
}

/** The `verify` token in a response's `meta.url`; null when there is none. */
export function verifyTokenOf(url: string | undefined): string | null {
  return url !== undefined && URL.canParse(url) ? new URL(url).searchParams.get("verify") : null;
}
