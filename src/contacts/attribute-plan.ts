/**
 * Decides what a set of submitted attributes does to a contact: which values are written in which type, which keys
 * are new, and what the caller is told. Pure. Source: client-api §6.
 */
import type { AttributeDataType, AttributeValue } from "../shared/attributes.ts";
import { canonicalLanguage } from "../shared/language-tag.ts";

/** Submitted values by key; null removes the attribute. */
export type SubmittedAttributes = ReadonlyMap<string, AttributeValue | null>;

/** Where contracts differ. */
export interface AttributeRules {
  /** Whether a key that the environment does not have yet may be created under this name. */
  judgeNewKey(key: string): "allowed" | "invalid" | "reserved";
  /** The type of a key that first appears with a boolean; `string` stores the texts `true` and `false`. */
  booleanKeysAre: "string" | "boolean";
}

/** Something the caller may want to know; each contract has its own words, or none, for it. */
export type AttributeNote =
  | { kind: "type_mismatch"; key: string; dataType: AttributeDataType; value: AttributeValue }
  | { kind: "key_created"; key: string; dataType: AttributeDataType }
  | { kind: "key_limit_reached"; keys: string[]; limit: number }
  | { kind: "keys_refused"; reason: "invalid" | "reserved"; keys: string[] }
  | { kind: "language_ignored"; value: string };

export interface AttributePlan {
  /** Keys to create, with the types their first values have. */
  newKeys: { key: string; dataType: AttributeDataType }[];
  /** What to write, in stored form; null removes. Without `email`, which is a column. */
  patch: Record<string, AttributeValue | null>;
  /** The new e-mail address; undefined leaves it, null removes it. */
  email: string | null | undefined;
  notes: AttributeNote[];
}

export interface PlanContext {
  attributeKeys: ReadonlyMap<string, AttributeDataType>;
  languages: readonly { code: string; alias: string | null }[];
  rules: AttributeRules;
}

/** A date in ISO 8601: a day, or a day and a time to the second or millisecond, in UTC. */
const DATE_PATTERN = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}:\d{2}(\.\d{3})?Z?)?$/;

/** `userId` and `id` name the contact itself and are never attributes of it. */
const IDENTITY_KEYS = new Set(["userId", "id"]);

export function planAttributes(submitted: SubmittedAttributes, context: PlanContext): AttributePlan {
  const plan: AttributePlan = { newKeys: [], patch: Object.create(null), email: undefined, notes: [] };
  const refused = { invalid: [] as string[], reserved: [] as string[] };
  for (const [key, given] of submitted) {
    if (IDENTITY_KEYS.has(key)) continue;
    if (key === "email") {
      plan.email = given === null ? null : String(given);
      continue;
    }
    const value = key === "language" ? normalizeLanguage(given, context.languages, plan.notes) : given;
    if (value === undefined) continue;
    const dataType = context.attributeKeys.get(key);
    if (dataType !== undefined) writeExisting(plan, key, dataType, value);
    else if (value !== null) planNewKey(plan, refused, key, value, context.rules);
  }
  for (const reason of ["invalid", "reserved"] as const)
    if (refused[reason].length > 0) plan.notes.push({ kind: "keys_refused", reason, keys: refused[reason] });
  return plan;
}

function writeExisting(plan: AttributePlan, key: string, dataType: AttributeDataType, value: AttributeValue | null): void {
  const stored = value === null ? null : toStored(value, dataType);
  if (stored === undefined) plan.notes.push({ kind: "type_mismatch", key, dataType, value: value as AttributeValue });
  else plan.patch[key] = stored;
}

function planNewKey(
  plan: AttributePlan,
  refused: Record<"invalid" | "reserved", string[]>,
  key: string,
  value: AttributeValue,
  rules: AttributeRules,
): void {
  const judgement = rules.judgeNewKey(key);
  if (judgement !== "allowed") {
    refused[judgement].push(key);
    return;
  }
  const dataType = inferDataType(value, rules);
  const stored = toStored(value, dataType);
  if (stored === undefined) return;
  plan.newKeys.push({ key, dataType });
  plan.patch[key] = stored;
  plan.notes.push({ kind: "key_created", key, dataType });
}

/** The type of a key that first appears with this value. Numeric-looking text stays text. Source: client-api §6.3. */
function inferDataType(value: AttributeValue, { booleanKeysAre }: Pick<AttributeRules, "booleanKeysAre">): AttributeDataType {
  if (typeof value === "number") return "number";
  if (typeof value === "boolean") return booleanKeysAre;
  return toIsoDate(value) === undefined ? "string" : "date";
}

/** The value as it is stored under a key of this type, or undefined when it does not fit. Source: client-api §6.2. */
export function toStored(value: AttributeValue, dataType: AttributeDataType): AttributeValue | undefined {
  switch (dataType) {
    case "string":
      return typeof value === "number" ? undefined : String(value);
    case "number":
      return typeof value === "number" ? value : undefined;
    case "date":
      return typeof value === "string" ? toIsoDate(value) : undefined;
    case "boolean":
      return toBoolean(value);
  }
}

function toBoolean(value: AttributeValue): boolean | undefined {
  if (typeof value === "boolean") return value;
  return value === "true" ? true : value === "false" ? false : undefined;
}

/** The date as ISO 8601 in UTC with milliseconds, or undefined. A time without zone is taken for UTC. */
function toIsoDate(text: string): string | undefined {
  const trimmed = text.trim();
  if (!DATE_PATTERN.test(trimmed)) return undefined;
  const time = Date.parse(trimmed.length > 10 && !trimmed.endsWith("Z") ? `${trimmed}Z` : trimmed);
  return Number.isNaN(time) ? undefined : new Date(time).toISOString();
}

/**
 * The canonical tag; else the environment's own spelling of a code or alias; undefined drops the key: silently when
 * blank, with a note otherwise. Source: client-api §6.6.
 */
function normalizeLanguage(
  given: AttributeValue | null,
  languages: PlanContext["languages"],
  notes: AttributeNote[],
): string | null | undefined {
  if (given === null) return null;
  const text = String(given);
  const trimmed = text.trim();
  if (trimmed === "") return undefined;
  const canonical = canonicalLanguage(trimmed);
  if (canonical !== null) return canonical;
  const wanted = trimmed.toLowerCase();
  for (const { code, alias } of languages) {
    if (alias !== null && alias.toLowerCase() === wanted) return alias;
    if (code.toLowerCase() === wanted) return code;
  }
  notes.push({ kind: "language_ignored", value: text });
  return undefined;
}
