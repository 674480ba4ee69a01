/**
 * Regular expressions written by a survey's author, run on a stranger's answer. A pattern can take exponential
 * time, and JavaScript cannot give up on one, so each runs in a context of its own that V8 interrupts.
 */
import { createContext, Script } from "node:vm";
import type { PatternMatcher } from "./rule-types.ts";

/** Source of both: client-api §11. Beyond either the answer fails. */
const MAX_PATTERN_LENGTH = 512;
const MAX_VALUE_LENGTH = 4096;
const MAX_REMEMBERED = 500;

/**
 * A matcher whose tests end in `timeLimitMs`. An invalid expression passes, as the contract has it, and so does one
 * that runs out of time: the author's mistake must not cost an answer. Such a pattern is not run again by this
 * process (the latest 500 are remembered), so that nobody can hold the server up with it twice.
 */
export function createPatternMatcher({ timeLimitMs }: { timeLimitMs: number }): PatternMatcher {
  const test = new Script("new RegExp(pattern, flags).test(value)");
  const variables = { pattern: "", flags: "", value: "" };
  const context = createContext(variables);
  const tooSlow = new Set<string>();
  return matches;

  function matches(pattern: string, flags: string, value: string): boolean {
    if (pattern.length > MAX_PATTERN_LENGTH || value.length > MAX_VALUE_LENGTH) return false;
    const expression = `/${pattern}/${flags}`;
    if (tooSlow.has(expression)) return true;
    Object.assign(variables, { pattern, flags, value });
    try {
      return test.runInContext(context, { timeout: timeLimitMs }) === true;
    } catch (error) {
      if (isTimeout(error)) rememberSlow(expression);
      return true;
    }
  }

  function rememberSlow(expression: string): void {
    if (tooSlow.size >= MAX_REMEMBERED) {
      const [first] = tooSlow;
      if (first !== undefined) tooSlow.delete(first);
    }
    tooSlow.add(expression);
  }
}

const isTimeout = (error: unknown): boolean =>
  typeof error === "object" && error !== null && "code" in error && error.code === "ERR_SCRIPT_EXECUTION_TIMEOUT";
