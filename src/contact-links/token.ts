/**
 * The token of a link to a survey that is one contact's own: a JWT (HS256) whose claims `contactId` and `surveyId` are
 * each encrypted (AES-256-GCM, hex `iv:ciphertext:tag`), so that who holds the link learns neither. Both keys are
 * derived from the encryption key. Source: management-api-v2 §5.11.
 */
import { createCipheriv, createDecipheriv, createHmac, hkdfSync, randomBytes } from "node:crypto";
import { z } from "zod";
import { equalsInConstantTime } from "../shared/constant-time.ts";

/** Whose link it is, and to what. */
export interface ContactLinkSubject {
  contactId: string;
  surveyId: string;
}

export type ContactLinkTokens = ReturnType<typeof createContactLinkTokens>;

const Claims = z.object({ contactId: z.string(), surveyId: z.string(), iat: z.number(), exp: z.number().optional() });

const HEADER = encode(JSON.stringify({ alg: "HS256", typ: "JWT" }));
/** Longer texts are no tokens of ours and are not looked at. */
const MAX_LENGTH = 2_048;

interface TokenOptions {
  encryptionKey: string;
  /** Keys of former times, whose links stay good. */
  previousKeys?: readonly string[];
  /** The time in ms. */
  now: () => number;
}

export function createContactLinkTokens({ previousKeys = [], ...options }: TokenOptions) {
  const { issue, read: readOwn } = createTokens(options);
  const earlier = previousKeys.map((encryptionKey) => createTokens({ ...options, encryptionKey }));
  return { issue, read };

  /** Null when the token is none of ours or was altered. */
  function read(token: string): ContactLinkSubject | "expired" | null {
    return earlier.reduce((found, tokens) => found ?? tokens.read(token), readOwn(token));
  }
}

/** Under one key. */
function createTokens({ encryptionKey, now }: Pick<TokenOptions, "encryptionKey" | "now">) {
  const derive = (purpose: string) =>
    Buffer.from(hkdfSync("sha256", encryptionKey, "", `mortar contact links ${purpose} v1`, 32));
  const [signingKey, claimKey] = [derive("signature"), derive("claims")];
  return { issue, read };

  /** @param expiresAt null: never */
  function issue({ contactId, surveyId }: ContactLinkSubject, expiresAt: Date | null): string {
    const claims: z.output<typeof Claims> = {
      contactId: encrypt(contactId),
      surveyId: encrypt(surveyId),
      iat: Math.floor(now() / 1000),
      ...(expiresAt && { exp: Math.floor(expiresAt.getTime() / 1000) }),
    };
    const body = `${HEADER}.${encode(JSON.stringify(claims))}`;
    return `${body}.${sign(body)}`;
  }

  function read(token: string): ContactLinkSubject | "expired" | null {
    const [header, payload, signature, ...rest] = token.length > MAX_LENGTH ? [] : token.split(".");
    if (header !== HEADER || payload === undefined || signature === undefined || rest.length > 0) return null;
    if (!equalsInConstantTime(signature, sign(`${header}.${payload}`))) return null;
    const claims = Claims.parse(JSON.parse(Buffer.from(payload, "base64url").toString("utf8")));
    if (claims.exp !== undefined && claims.exp * 1000 <= now()) return "expired";
    return { contactId: decrypt(claims.contactId), surveyId: decrypt(claims.surveyId) };
  }

  function sign(body: string): string {
    return createHmac("sha256", signingKey).update(body).digest("base64url");
  }

  function encrypt(text: string): string {
    const iv = randomBytes(12);
    const cipher = createCipheriv("aes-256-gcm", claimKey, iv);
    const ciphertext = Buffer.concat([cipher.update(text, "utf8"), cipher.final()]);
    return [iv, ciphertext, cipher.getAuthTag()].map((part) => part.toString("hex")).join(":");
  }

  function decrypt(claim: string): string {
    const [iv, ciphertext, tag] = claim.split(":").map((part) => Buffer.from(part, "hex"));
    if (!iv || !ciphertext || !tag) throw new Error("a signed claim is not of our making");
    const decipher = createDecipheriv("aes-256-gcm", claimKey, iv);
    decipher.setAuthTag(tag);
    return Buffer.concat([decipher.update(ciphertext), decipher.final()]).toString("utf8");
  }
}

function encode(text: string): string {
  return Buffer.from(text).toString("base64url");
}
