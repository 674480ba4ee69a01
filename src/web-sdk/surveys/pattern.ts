import type { PatternMatcher } from "../../responses/rule-types.ts";

/** Source of both: client-api §11. Beyond either the answer fails. */
const MAX_PATTERN_LENGTH = 512;
const MAX_VALUE_LENGTH = 4096;

/** As on the server, but without a limit of time: a slow pattern holds up nobody but the one who answers. */
export const matchesPattern: PatternMatcher = (pattern, flags, value) => {
  if (pattern.length > MAX_PATTERN_LENGTH || value.length > MAX_VALUE_LENGTH) return false;
  try {
    return new RegExp(pattern, flags).test(value);
  } catch {
    return true; // an invalid expression asks for nothing
  }
};
