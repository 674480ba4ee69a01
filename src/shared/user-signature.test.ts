import { expect, test } from "vitest";
import { isSignatureOf, signUserId } from "./user-signature.ts";

const [OLD, NEW] = ["an old identify secret of 32 letters", "a new identify secret of 32 letters"];

test("a signature is what openssl makes of it", () => {
  // printf %s ada | openssl dgst -sha256 -hmac key
  expect(signUserId("key", "ada")).toBe("708a727d2475357eaacc4f88c80d7eec3218ce0cabcf2694f6fecd080545cc6f");
});

test("either of two secrets signs, in both spellings of hex", () => {
  for (const secret of [OLD, NEW]) expect(isSignatureOf(signUserId(secret, "ada"), "ada", [NEW, OLD])).toBe(true);
  expect(isSignatureOf(signUserId(NEW, "ada").toUpperCase(), "ada", [NEW])).toBe(true);
});

test("a signature is good for its own user id and secret only", () => {
  expect(isSignatureOf(signUserId(NEW, "ada"), "bob", [NEW])).toBe(false);
  expect(isSignatureOf(signUserId(OLD, "ada"), "ada", [NEW])).toBe(false);
  expect(isSignatureOf("", "ada", [NEW])).toBe(false);
  expect(isSignatureOf(signUserId(NEW, "ada"), "ada", [])).toBe(false);
});
