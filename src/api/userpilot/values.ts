/** What values of users, companies and events may be, and what becomes of them. Pure. Source: userpilot-api §3, §4. */
import type { AttributeValue } from "../../shared/attributes.ts";
import { idText } from "../../shared/id-text.ts";
import { isoDate } from "../../shared/iso-date.ts";
import { isStorableText } from "../../shared/storable-text.ts";
import type { Refusal, Slug } from "./envelope.ts";

export const MAX_PROPERTIES = 500;
const MAX_NAME_LENGTH = 255;
const MAX_VALUE_LENGTH = 65_535;
const MAX_ID_LENGTH = 255;
const MAX_EVENT_BYTES = 10 * 1024;
const MAX_DEPTH = 50;

export type Attributes = Map<string, AttributeValue | null>;

/** A company as it was sent with a user. */
export interface CompanyValue {
  companyId: string;
  attributes: Attributes;
}

export interface ReadOptions {
  /** `X-Strict-Mode`: what is otherwise put right or ignored is refused. */
  strict: boolean;
}

/** Collects everything that is wrong with an input. */
export interface Reader extends ReadOptions {
  refusals: Refusal[];
  refuse(slug: Slug, message: string): void;
}

export function createReader({ strict }: ReadOptions): Reader {
  const refusals: Refusal[] = [];
  return { strict, refusals, refuse: (slug, message) => void refusals.push({ slug, message }) };
}

export const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Refuses, in strict mode, members that the contract does not know. */
export function checkMembers(reader: Reader, body: object, known: readonly string[]): void {
  if (!reader.strict) return;
  for (const name of Object.keys(body)) if (!known.includes(name)) reader.refuse("invalid_type", `${quote(name)} is not known`);
}

/** An id: text or a number, trimmed. Undefined when it is missing (null and blank are) or was refused. */
export function readId(reader: Reader, value: unknown, name: string, missing: Slug): string | undefined {
  const id = typeof value === "number" ? idText(value) : value;
  if (id === undefined || id === null || (typeof id === "string" && id.trim() === ""))
    reader.refuse(missing, `${name} is required`);
  else if (typeof id !== "string" || !isStorableText(id)) reader.refuse("invalid_type", `${name} must be a string`);
  else if (id.trim().length > MAX_ID_LENGTH)
    reader.refuse("limit_exceeded", `${name} must not be longer than ${MAX_ID_LENGTH} characters`);
  else return id.trim();
  return undefined;
}

/** As {@link readId}, for an id that may be missing. */
export function readOptionalId(reader: Reader, value: unknown, name: string): string | undefined {
  return isBlank(value) ? undefined : readId(reader, value, name, "invalid_type");
}

/** The first of the values that is given, under whichever of its names; the last when none is. */
export const firstGiven = (...values: readonly unknown[]): unknown => values.find((value) => !isBlank(value)) ?? values.at(-1);

const isBlank = (value: unknown): boolean =>
  value === undefined || value === null || (typeof value === "string" && value.trim() === "");

/** `metadata`: an object, where absent and null are an empty one. */
export function readObject(reader: Reader, value: unknown, name: string): Record<string, unknown> {
  if (value === undefined || value === null) return {};
  if (isObject(value)) return value;
  reader.refuse("invalid_type", `${name} must be an object`);
  return {};
}

/** A user's metadata, and the company that came with it. Source: userpilot-api §3 and §7. */
export function readUser(
  reader: Reader,
  given: Record<string, unknown>,
  company: CompanyValue | undefined,
): { attributes: Attributes; company: CompanyValue | undefined } {
  const { company: nested, ...rest } = given;
  // RudderStack repeats the company among the traits.
  const inner = company === undefined && isObject(nested) && hasCompanyId(nested) ? readCompany(reader, nested) : undefined;
  const isCompany = !reader.strict && isObject(nested) && (company !== undefined || inner !== undefined);
  const attributes = readProperties(reader, isCompany || nested === undefined ? rest : given, "metadata");
  for (const [alias, key] of NAME_ALIASES) rename(attributes, alias, key);
  for (const key of ["email", "name"]) if (attributes.get(key) === "") attributes.delete(key);
  return { attributes, company: company ?? inner };
}

const NAME_ALIASES = [
  ["first_name", "firstName"],
  ["last_name", "lastName"],
] as const;

/**
 * `company`: its id in `company_id` or `id`, every other member a property. Undefined when there is none: absent, null,
 * `{}`, or nothing but an empty id. Refused when it is anything but an object, or has properties but no id.
 */
export function readCompany(reader: Reader, value: unknown): CompanyValue | undefined {
  if (value === undefined || value === null) return undefined;
  if (!isObject(value)) {
    reader.refuse("invalid_type", "company must be an object");
    return undefined;
  }
  const { company_id: first, id: second, ...rest } = value;
  const given = firstGiven(first, second);
  if (isBlank(given) && Object.keys(rest).length === 0) return undefined;
  const companyId = readId(reader, given, "company.id", "missing_company_id");
  const attributes = readProperties(reader, rest, "company");
  return companyId === undefined ? undefined : { companyId, attributes };
}

/** Whether the object names a company; for calls that merely ignore one without id. */
export const hasCompanyId = ({ company_id, id }: Record<string, unknown>): boolean =>
  [company_id, id].some((value) => !isBlank(value) && (typeof value === "string" || typeof value === "number"));

/** Properties of a user or a company: flat, renamed, without what the server sets itself, and within the limits. */
export function readProperties(reader: Reader, given: Record<string, unknown>, name: string): Attributes {
  const attributes: Attributes = new Map();
  flatten(reader, given, name, attributes);
  renameCreatedAt(reader, attributes);
  for (const key of SERVER_SET) attributes.delete(key);
  checkLimits(reader, attributes, name);
  return attributes;
}

const SERVER_SET = ["first_seen_at", "last_seen_at"];
const CREATED_AT_ALIASES = ["createdAt", "signed_up_at"];

/** Objects become dotted names, lists their JSON. */
function flatten(
  reader: Reader,
  given: Record<string, unknown>,
  name: string,
  attributes: Attributes,
  path = "",
  depth = 0,
): void {
  if (depth > MAX_DEPTH) {
    reader.refuse("limit_exceeded", `${name} is nested too deeply`);
    return;
  }
  for (const [key, value] of Object.entries(given)) {
    const at = path === "" ? key : `${path}.${key}`;
    const isNested = typeof value === "object" && value !== null;
    if (isNested && reader.strict) reader.refuse("invalid_type", `${name}.${quote(at)} must not be nested`);
    else if (isObject(value)) flatten(reader, value, name, attributes, at, depth + 1);
    else if (isNested) attributes.set(at, JSON.stringify(value));
    else if (value === null || typeof value === "string" || typeof value === "number" || typeof value === "boolean")
      attributes.set(at, value);
  }
}

function renameCreatedAt(reader: Reader, attributes: Attributes): void {
  for (const alias of CREATED_AT_ALIASES) rename(attributes, alias, "created_at");
  const value = attributes.get("created_at");
  if (value === undefined || value === null) return;
  if (typeof value === "string" && value.trim() === "") {
    attributes.delete("created_at");
    return;
  }
  const isIso = typeof value === "string" && isoDate(value, { offsets: true }) !== undefined;
  if (reader.strict && !isIso) reader.refuse("invalid_type", "created_at must be an ISO 8601 date");
  const time = timeOf(value);
  if (time !== undefined) attributes.set("created_at", new Date(time).toISOString());
}

function rename(attributes: Attributes, alias: string, key: string): void {
  const value = attributes.get(alias);
  if (value === undefined) return;
  attributes.delete(alias);
  if (!attributes.has(key)) attributes.set(key, value);
}

function checkLimits(reader: Reader, attributes: Attributes, name: string): void {
  if (attributes.size > MAX_PROPERTIES)
    reader.refuse("limit_exceeded", `${name} must not have more than ${MAX_PROPERTIES} properties`);
  for (const [key, value] of attributes) {
    if (key.length > MAX_NAME_LENGTH)
      reader.refuse("limit_exceeded", `A name in ${name} must not be longer than ${MAX_NAME_LENGTH} characters`);
    else if (!isStorableText(key) || key === "") reader.refuse("invalid_type", `A name in ${name} is empty or cannot be stored`);
    else if (typeof value !== "string") continue;
    else if (value.length > MAX_VALUE_LENGTH)
      reader.refuse("limit_exceeded", `${name}.${quote(key)} must not be longer than ${MAX_VALUE_LENGTH} characters`);
    else if (!isStorableText(value)) reader.refuse("invalid_type", `${name}.${quote(key)} has characters that cannot be stored`);
  }
}

/** An event's metadata: as a user's, but nothing is renamed and the whole is limited. */
export function readEventProperties(reader: Reader, given: Record<string, unknown>): Record<string, AttributeValue | null> {
  if (Buffer.byteLength(JSON.stringify(given)) > MAX_EVENT_BYTES)
    reader.refuse("limit_exceeded", "metadata must not be larger than 10 KB");
  const properties: Attributes = new Map();
  flatten(reader, given, "metadata", properties);
  checkLimits(reader, properties, "metadata");
  return Object.fromEntries(properties);
}

/** Numbers above this are milliseconds: as seconds they would be in the year 5138. */
const MAX_SECONDS = 1e11;
const MAX_TIME = 8.64e15;

/** Milliseconds since the epoch of an ISO 8601 text or of unix seconds or milliseconds; undefined for anything else. */
export function timeOf(value: unknown): number | undefined {
  if (typeof value === "string") {
    const iso = isoDate(value, { offsets: true });
    if (iso !== undefined) return Date.parse(iso);
    return /^\s*\d{9,16}(\.\d+)?\s*$/.test(value) ? timeOf(Number(value)) : undefined;
  }
  if (typeof value !== "number" || !(value > 0)) return undefined;
  const ms = Math.round(value > MAX_SECONDS ? value : value * 1_000);
  return ms <= MAX_TIME ? ms : undefined;
}

const quote = (name: string): string => name.slice(0, 60);
