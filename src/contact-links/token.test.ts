import { describe, expect, it } from "vitest";
import { createContactLinkTokens } from "./token.ts";

const NOW = Date.parse("2026-03-01T12:00:00.000Z");
const DAY_MS = 86_400_000;
const SUBJECT = { contactId: "ccontact", surveyId: "csurvey" };
const at = (now: number, encryptionKey = "an encryption key for tests only") =>
  createContactLinkTokens({ encryptionKey, now: () => now });
const claimsOf = (token: string) => JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString());

describe("contact link tokens", () => {
  it("are JWTs that tell nothing of whom and what they are for", () => {
    const token = at(NOW).issue(SUBJECT, null);
    expect(token).toMatch(/^[\w-]+\.[\w-]+\.[\w-]+$/);
    const encrypted = expect.stringMatching(/^[0-9a-f]{24}:[0-9a-f]+:[0-9a-f]{32}$/);
    expect(claimsOf(token)).toEqual({ contactId: encrypted, surveyId: encrypted, iat: NOW / 1000 });
    expect(at(NOW).issue(SUBJECT, null)).not.toBe(token);
  });

  it("are read back for as long as they are valid", () => {
    expect(at(NOW + 1000 * DAY_MS).read(at(NOW).issue(SUBJECT, null))).toEqual(SUBJECT);
    const token = at(NOW).issue(SUBJECT, new Date(NOW + DAY_MS));
    expect(claimsOf(token).exp).toBe((NOW + DAY_MS) / 1000);
    expect(at(NOW + DAY_MS - 1000).read(token)).toEqual(SUBJECT);
    expect(at(NOW + DAY_MS).read(token)).toBe("expired");
  });

  it("are refused when altered, made with another key or no tokens at all", () => {
    const token = at(NOW).issue(SUBJECT, null);
    const [header, , signature] = token.split(".");
    const other = at(NOW)
      .issue({ ...SUBJECT, contactId: "cother" }, null)
      .split(".")[1];
    const unsigned = `${Buffer.from('{"alg":"none"}').toString("base64url")}.${other}.`;
    for (const bad of [`${header}.${other}.${signature}`, `${token}.x`, unsigned, "", "a.b.c", "x".repeat(3_000)])
      expect(at(NOW).read(bad)).toBeNull();
    expect(at(NOW, "another encryption key for tests only").read(token)).toBeNull();
  });
});
