/**
 * Decides what a set of submitted attributes does to a contact: which values are written in which type, which keys
 * are new, and what the caller is told. Pure. Source: client-api §6.
 */
import type { AttributeDataType, AttributeValue } from "../shared/attributes.ts";
import { isoDate } from "../shared/iso-date.ts";
import { canonicalLanguage } from "../shared/language-tag.ts";

/** Submitted values by key; null removes the attribute. */
export type SubmittedAttributes = ReadonlyMap<string, AttributeValue | null>;

/** Where contracts differ. */
export interface AttributeRules {
  /** Whether a key that the environment does not have yet may be created under this name. */
  judgeNewKey(key: string): "allowed" | "invalid" | "reserved";
  /** The type of a key that first appears with a boolean; `string` stores the texts `true` and `false`. */
  booleanKeysAre: "string" | "boolean";
  /** Values that do not fit their key's type are left out (default) or kept as text; a note tells either. */
  misfitsAre?: "skipped" | "text";
  /** Whether a date may carry an offset from UTC and any number of decimals; default no. */
  datesMayHaveOffset?: boolean;
  /** How many attribute keys the environment may have for this caller to create one; default: as configured. */
  maxKeys?: number;
}

/**
 * The rules of contracts whose callers name attributes as they like: any key is kept verbatim, and no value is refused
 * for its type. Source: userpilot-api §3, sprig-api §3.
 */
export const VERBATIM_RULES = {
  judgeNewKey: () => "allowed",
  booleanKeysAre: "boolean",
  misfitsAre: "text",
  datesMayHaveOffset: true,
  maxKeys: 5_000,
} as const satisfies AttributeRules;

/** Something the caller may want to know; each contract has its own words, or none, for it. */
export type AttributeNote =
  | { kind: "type_mismatch"; key: string; dataType: AttributeDataType; value: AttributeValue }
  | { kind: "email_invalid" }
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

/** What a contact's e-mail column takes from callers that do not check addresses themselves. */
const ADDRESS_PATTERN = /^[^\s@]+@[^\s@]+$/;
const MAX_ADDRESS_LENGTH = 255;

/** `userId` and `id` name the contact itself and are never attributes of it. */
const IDENTITY_KEYS = new Set(["userId", "id"]);

export function planAttributes(submitted: SubmittedAttributes, context: PlanContext): AttributePlan {
  const plan: AttributePlan = { newKeys: [], patch: Object.create(null), email: undefined, notes: [] };
  const refused = { invalid: [] as string[], reserved: [] as string[] };
  for (const [key, given] of submitted) {
    if (IDENTITY_KEYS.has(key)) continue;
    if (key === "email") {
      planEmail(plan, given, context.rules);
      continue;
    }
    const value = key === "language" ? normalizeLanguage(given, context, plan.notes) : given;
    if (value === undefined) continue;
    const dataType = context.attributeKeys.get(key);
    if (dataType !== undefined) writeExisting(plan, key, dataType, value, context.rules);
    else if (value !== null) planNewKey(plan, refused, key, value, context.rules);
  }
  for (const reason of ["invalid", "reserved"] as const)
    if (refused[reason].length > 0) plan.notes.push({ kind: "keys_refused", reason, keys: refused[reason] });
  return plan;
}

/** An address goes to its column; a text that is none is an attribute like others where misfits are kept. */
function planEmail(plan: AttributePlan, given: AttributeValue | null, { misfitsAre }: AttributeRules): void {
  if (misfitsAre !== "text") {
    plan.email = given === null ? null : String(given);
    return;
  }
  const text = given === null ? null : String(given).trim();
  const isAddress = text === null || (ADDRESS_PATTERN.test(text) && text.length <= MAX_ADDRESS_LENGTH);
  plan.patch.email = isAddress ? null : text;
  if (isAddress) plan.email = text;
  else plan.notes.push({ kind: "email_invalid" });
}

function writeExisting(
  plan: AttributePlan,
  key: string,
  dataType: AttributeDataType,
  value: AttributeValue | null,
  rules: AttributeRules,
): void {
  if (value === null) {
    plan.patch[key] = null;
    return;
  }
  const stored = toStored(value, dataType, rules);
  if (stored !== undefined) plan.patch[key] = stored;
  else {
    plan.notes.push({ kind: "type_mismatch", key, dataType, value });
    if (rules.misfitsAre === "text") plan.patch[key] = String(value);
  }
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
  const stored = toStored(value, dataType, rules);
  if (stored === undefined) return;
  plan.newKeys.push({ key, dataType });
  plan.patch[key] = stored;
  plan.notes.push({ kind: "key_created", key, dataType });
}

/** The type of a key that first appears with this value. Numeric-looking text stays text. Source: client-api §6.3. */
function inferDataType(
  value: AttributeValue,
  { booleanKeysAre, datesMayHaveOffset }: Pick<AttributeRules, "booleanKeysAre" | "datesMayHaveOffset">,
): AttributeDataType {
  if (typeof value === "number") return "number";
  if (typeof value === "boolean") return booleanKeysAre;
  return isoDate(value, { offsets: datesMayHaveOffset ?? false }) === undefined ? "string" : "date";
}

/** The value as it is stored under a key of this type, or undefined when it does not fit. Source: client-api §6.2. */
export function toStored(
  value: AttributeValue,
  dataType: AttributeDataType,
  { datesMayHaveOffset = false }: Pick<AttributeRules, "datesMayHaveOffset"> = {},
): AttributeValue | undefined {
  switch (dataType) {
    case "string":
      return typeof value === "number" ? undefined : String(value);
    case "number":
      return typeof value === "number" ? value : undefined;
    case "date":
      return typeof value === "string" ? isoDate(value, { offsets: datesMayHaveOffset }) : undefined;
    case "boolean":
      return toBoolean(value);
  }
}

function toBoolean(value: AttributeValue): boolean | undefined {
  if (typeof value === "boolean") return value;
  return value === "true" ? true : value === "false" ? false : undefined;
}

/**
 * The canonical tag; else the environment's own spelling of a code or alias; undefined drops the key: silently when
 * blank, with a note otherwise. Source: client-api §6.6.
 */
function normalizeLanguage(
  given: AttributeValue | null,
  { languages, rules }: Pick<PlanContext, "languages" | "rules">,
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
  if (rules.misfitsAre === "text") return text;
  notes.push({ kind: "language_ignored", value: text });
  return undefined;
}
