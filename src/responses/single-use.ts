/**
 * Single-use links: a link carries `suId`, and a response through it must name the same id, which the database lets
 * in once per survey. Encrypted ids are sealed together with their survey's id in a format of our own; plain ones
 * come with `suToken`, hex(HMAC-SHA256(key, "formbricks.single-use.v1:<surveyId>:<suId>")), whose key is the
 * encryption key's characters as UTF-8, so that links made elsewhere with the same key go on working.
 * Source: client-api §13.
 */
import { createHmac } from "node:crypto";
import { equalsInConstantTime } from "../shared/constant-time.ts";
import { createSecretBox } from "../shared/secret-box.ts";

/** Why a response was refused. `error` is the parser's text, which the second generation shows in its details. */
export interface SingleUseFailure {
  message:
    | "Missing single use id"
    | "Missing or invalid URL in response metadata"
    | "Invalid URL in response metadata"
    | "Invalid single use id";
  error?: string;
}

export interface SingleUseCheck {
  surveyId: string;
  isEncrypted: boolean;
  singleUseId: string | null | undefined;
  /** `meta.url` of the response: the link it was given through. */
  url: string | undefined;
}

/** What a link's query says. */
export interface SingleUseQuery {
  surveyId: string;
  isEncrypted: boolean;
  suId: string;
  suToken: string | null;
}

export type SingleUseLinks = ReturnType<typeof createSingleUseLinks>;

/** @param previousKeys keys of former times, whose links stay good */
export function createSingleUseLinks({
  encryptionKey,
  previousKeys = [],
}: {
  encryptionKey: string;
  previousKeys?: readonly string[];
}) {
  const box = createSecretBox(encryptionKey, previousKeys);
  return { buildQuery, check, read };

  /** The query parameters that make a survey's link one for this id. */
  function buildQuery(surveyId: string, singleUseId: string, isEncrypted: boolean): Record<string, string> {
    if (isEncrypted) return { suId: box.seal(sealedText(surveyId, singleUseId)) };
    return { suId: singleUseId, suToken: sign(encryptionKey, surveyId, singleUseId) };
  }

  /** Null when the response's id is the one its link was made for. */
  function check({ surveyId, isEncrypted, singleUseId, url }: SingleUseCheck): SingleUseFailure | null {
    if (!singleUseId) return { message: "Missing single use id" };
    if (!url) return { message: "Missing or invalid URL in response metadata" };
    if (!URL.canParse(url)) return { message: "Invalid URL in response metadata", error: "Invalid URL" };
    const query = new URL(url).searchParams;
    const suId = query.get("suId");
    if (!suId) return { message: "Missing single use id" };
    const linkedId = read({ surveyId, isEncrypted, suId, suToken: query.get("suToken") });
    return linkedId === singleUseId ? null : { message: "Invalid single use id" };
  }

  /** The id that a link was made for; null when the link was not made for this survey, or was altered. */
  function read({ surveyId, isEncrypted, suId, suToken }: SingleUseQuery): string | null {
    if (!isEncrypted) return isSigned(surveyId, suId, suToken ?? "") ? suId : null;
    const text = open(suId);
    const start = sealedText(surveyId, "");
    return text?.startsWith(start) ? text.slice(start.length) : null;
  }

  function isSigned(surveyId: string, suId: string, suToken: string): boolean {
    return [encryptionKey, ...previousKeys].some((key) => equalsInConstantTime(suToken, sign(key, surveyId, suId)));
  }

  function sign(key: string, surveyId: string, suId: string): string {
    return createHmac("sha256", key).update(`formbricks.single-use.v1:${surveyId}:${suId}`).digest("hex");
  }

  function open(sealed: string): string | null {
    try {
      return box.open(sealed);
    } catch {
      return null; // not sealed by us, or altered
    }
  }
}

const sealedText = (surveyId: string, singleUseId: string): string => `single-use:${surveyId}:${singleUseId}`;
