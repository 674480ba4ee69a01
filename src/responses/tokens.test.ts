import { describe, expect, it } from "vitest";
import { createGateTokens, verifyTokenOf } from "./tokens.ts";

const HOUR_MS = 3_600_000;
const encryptionKey = "0123456789abcdef0123456789abcdef";

function tokensAt(clock: { ms: number }, key = encryptionKey) {
  return createGateTokens({ encryptionKey: key, now: () => clock.ms });
}

describe("PIN tokens", () => {
  it("are good for their survey and one hour", () => {
    const clock = { ms: 1_000_000 };
    const tokens = tokensAt(clock);
    const token = tokens.issuePin("sv1");
    expect(tokens.isPinValid(token, "sv1")).toBe(true);
    expect(tokens.isPinValid(token, "sv2")).toBe(false);
    clock.ms += HOUR_MS - 1;
    expect(tokens.isPinValid(token, "sv1")).toBe(true);
    clock.ms += 1;
    expect(tokens.isPinValid(token, "sv1")).toBe(false);
  });

  it.each([undefined, null, "", "bad", "v1..", "a.b.c", "x".repeat(5000)])("are not %j", (token) => {
    expect(tokensAt({ ms: 0 }).isPinValid(token, "sv1")).toBe(false);
  });

  it("cannot be altered, moved to another version or made with another key", () => {
    const tokens = tokensAt({ ms: 0 });
    const token = tokens.issuePin("sv1");
    const [version, payload, signature] = token.split(".");
    const forged = Buffer.from(JSON.stringify({ purpose: "pin", surveyId: "sv1", expiresAt: 9e15 })).toString("base64url");
    for (const bad of [`${version}.${forged}.${signature}`, `v2.${payload}.${signature}`, `${version}.${payload}.`])
      expect(tokens.isPinValid(bad, "sv1")).toBe(false);
    expect(tokensAt({ ms: 0 }, "another key of at least 32 letters").isPinValid(token, "sv1")).toBe(false);
  });
});

describe("verified e-mail tokens", () => {
  it("carry the address for their survey and seven days", () => {
    const clock = { ms: 0 };
    const tokens = tokensAt(clock);
    const token = tokens.issueEmail("sv1", "ida@acme.example");
    expect(tokens.readEmail(token, "sv1")).toBe("ida@acme.example");
    expect(tokens.readEmail(token, "sv2")).toBeNull();
    clock.ms = 7 * 24 * HOUR_MS;
    expect(tokens.readEmail(token, "sv1")).toBeNull();
  });

  it("do not open a PIN's gate, nor the other way round", () => {
    const tokens = tokensAt({ ms: 0 });
    expect(tokens.isPinValid(tokens.issueEmail("sv1", "a@b.example"), "sv1")).toBe(false);
    expect(tokens.readEmail(tokens.issuePin("sv1"), "sv1")).toBeNull();
  });

  it.each([
    ["https://x.example/s/1?verify=abc", "abc"],
    ["https://x.example/s/1", null],
    ["not a url", null],
    [undefined, null],
  ])("are found in %j as %j", (url, token) => {
    expect(verifyTokenOf(url)).toBe(token);
  });
});
