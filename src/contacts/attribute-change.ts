/** What operators make of one contact's attributes. Pure; types of keys are `attribute-plan.ts`' business. */
import { z } from "zod";
import type { AttributeValue } from "../shared/attributes.ts";
import type { AttributeNote, SubmittedAttributes } from "./attribute-plan.ts";

/** A change by operators; no key stands under two of them. `email` is a key like others, `userId` and `id` are none. */
export interface AttributeChange {
  set?: Readonly<Record<string, AttributeValue>> | undefined;
  /** Set where the contact has no value yet. */
  setOnce?: Readonly<Record<string, AttributeValue>> | undefined;
  unset?: readonly string[] | undefined;
  /** Added to numbers; no value counts as 0. */
  add?: Readonly<Record<string, number>> | undefined;
  /** Put after texts; no value counts as none. Attributes cannot be lists. */
  append?: Readonly<Record<string, string>> | undefined;
}

export type Operator = keyof AttributeChange;

/** A part of a change that was not made, and why. */
export interface AttributeConflict {
  key: string;
  operator: Operator;
  issue: string;
}

/** The attributes as they are; `email` is among them when there is one. */
export type CurrentAttributes = Readonly<Record<string, AttributeValue>>;

/** A text that grows by `append` stays within what a contact's row can well hold. */
export const MAX_APPENDED_LENGTH = 10_000;

const MAX_EMAIL_LENGTH = 255;

/** Names of the contact itself: changing them is another matter. */
const IDENTITY_KEYS = new Set(["userId", "id"]);

/** Every key of the change with its operator. */
export function operatorsOf({
  set = {},
  setOnce = {},
  unset = [],
  add = {},
  append = {},
}: AttributeChange): Map<string, Operator> {
  const keys = (operator: Operator, names: readonly string[]) => names.map((key): [string, Operator] => [key, operator]);
  return new Map([
    ...keys("set", Object.keys(set)),
    ...keys("setOnce", Object.keys(setOnce)),
    ...keys("unset", unset),
    ...keys("add", Object.keys(add)),
    ...keys("append", Object.keys(append)),
  ]);
}

/** The values that the operators come to, and what they could not be applied to. */
export function applyOperators(
  change: AttributeChange,
  current: CurrentAttributes,
): { submitted: SubmittedAttributes; conflicts: AttributeConflict[] } {
  const submitted = new Map<string, AttributeValue | null>();
  const conflicts: AttributeConflict[] = [];
  for (const [key, operator] of operatorsOf(change)) {
    const result = IDENTITY_KEYS.has(key)
      ? { issue: "names the contact itself and is not an attribute" }
      : key === "email"
        ? applyToEmail(change, operator, current)
        : apply(change, operator, key, current);
    if (result === undefined) continue;
    if (typeof result === "object" && result !== null) conflicts.push({ key, operator, issue: result.issue });
    else submitted.set(key, result);
  }
  return { submitted, conflicts };
}

/** Undefined leaves the attribute, null removes it; an issue when the operator does not fit. */
type Result = AttributeValue | null | undefined | { issue: string };

function apply(change: AttributeChange, operator: Operator, key: string, current: CurrentAttributes): Result {
  const value = Object.hasOwn(current, key) ? current[key] : undefined;
  switch (operator) {
    case "set":
      return change.set?.[key];
    case "setOnce":
      return value === undefined ? change.setOnce?.[key] : undefined;
    case "unset":
      return value === undefined ? undefined : null;
    case "add":
      return add(value ?? 0, change.add?.[key] ?? 0);
    case "append":
      return append(value ?? "", change.append?.[key] ?? "");
  }
}

function add(value: AttributeValue, amount: number): Result {
  if (typeof value !== "number") return { issue: "add needs a number, and the contact's value is none" };
  return Number.isFinite(value + amount) ? value + amount : { issue: "the sum is beyond what a number can be" };
}

function append(value: AttributeValue, text: string): Result {
  if (typeof value !== "string") return { issue: "append needs a text, and the contact's value is none" };
  if (value.length + text.length > MAX_APPENDED_LENGTH)
    return { issue: `the text would be longer than ${MAX_APPENDED_LENGTH} characters` };
  return value + text;
}

function applyToEmail(change: AttributeChange, operator: Operator, current: CurrentAttributes): Result {
  if (operator === "add" || operator === "append") return { issue: "an e-mail address can only be set and unset" };
  const value = apply(change, operator, "email", current);
  if (value === undefined || value === null) return value;
  return typeof value === "string" && value.length <= MAX_EMAIL_LENGTH && z.email().safeParse(value).success
    ? value
    : { issue: "not an e-mail address" };
}

/** What the notes of a plan say about the change's keys. */
export function conflictsOf(notes: readonly AttributeNote[], operators: ReadonlyMap<string, Operator>): AttributeConflict[] {
  const conflict = (key: string, issue: string) => ({ key, operator: operators.get(key) ?? "set", issue });
  const explain = (note: AttributeNote): AttributeConflict[] => {
    switch (note.kind) {
      case "type_mismatch":
        return [conflict(note.key, `the attribute is of type ${note.dataType}`)];
      case "keys_refused":
        return note.keys.map((key) =>
          conflict(
            key,
            note.reason === "reserved"
              ? "the name is reserved"
              : "a new key must start with a letter and have only lower-case letters, digits and underscores",
          ),
        );
      case "key_limit_reached":
        return note.keys.map((key) => conflict(key, `the limit of ${note.limit} attribute keys is reached`));
      case "language_ignored":
        return [conflict("language", "not a language")];
      case "email_invalid":
        return [conflict("email", "not an e-mail address")];
      case "key_created":
        return [];
    }
  };
  return notes.flatMap(explain);
}
