/** What API keys look like, and what of them is stored. Source: management-api-v2 §2.1. */
import { createHash, randomBytes } from "node:crypto";

/** The format of keys made since October 2025. Any other text is a legacy key. */
const MODERN_KEY = /^fbk_[A-Za-z0-9_-]+$/;
const PREFIX_LENGTH = "fbk_".length;

/** How a key is found. The hash alone does not identify it: the two formats are hashed over different parts. */
export interface KeyLookup {
  /** SHA-256 (hex) of what follows `fbk_`, or of the whole text when the key is legacy. */
  lookupHash: string;
  isLegacy: boolean;
}

export const isModernKey = (key: string): boolean => MODERN_KEY.test(key);

/** 32 random bytes: guessing is out of reach, so the stored hash needs neither salt nor work factor. */
export const generateKey = (): string => `fbk_${randomBytes(32).toString("base64url")}`;

export function keyLookup(key: string): KeyLookup {
  const isLegacy = !isModernKey(key);
  return { lookupHash: sha256(isLegacy ? key : key.slice(PREFIX_LENGTH)), isLegacy };
}

const sha256 = (text: string): string => createHash("sha256").update(text, "utf8").digest("hex");
