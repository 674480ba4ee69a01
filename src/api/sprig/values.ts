/** What values of users and events may be, and what becomes of them. Pure; throws `invalid`. Source: sprig-api §3, §5, §8. */
import type { AttributeValue } from "../../shared/attributes.ts";
import { idText } from "../../shared/id-text.ts";
import { isoDate } from "../../shared/iso-date.ts";
import { invalid } from "../../shared/problem.ts";
import { isStorableText } from "../../shared/storable-text.ts";
import { refusedByPolicy } from "./envelope.ts";

/** Attributes that one request may have. Source: sprig-api §3. */
const MAX_ATTRIBUTES = 100;

/** Attributes that one user may have. Source: sprig-api §3. */
export const MAX_STORED_ATTRIBUTES = 500;

const MAX_ID_LENGTH = 255;
const MAX_NAME_LENGTH = 255;
const MAX_ADDRESS_LENGTH = 255;
const MAX_DEPTH = 50;

/** Values by key; the e-mail address stands under `email`. A null was left out: it changes nothing. */
export type Attributes = Map<string, AttributeValue>;

/** Something a user did, as it was told afterwards. */
export interface HistoricEvent {
  name: string;
  /** Milliseconds since the epoch. */
  occurredAt: number;
  /** The time as it was told, by which the event is known when it comes again; null when none was. */
  instant: string | null;
}

export const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const isBlank = (value: unknown): boolean =>
  value === undefined || value === null || (typeof value === "string" && value.trim() === "");

/** An id as it was sent, a number as text; undefined when it is absent, null or blank. */
export function readOptionalId(value: unknown, name: string): string | undefined {
  if (isBlank(value)) return undefined;
  const id = typeof value === "number" ? idText(value) : value;
  if (typeof id !== "string" || !isStorableText(id)) throw invalid(`${name} must be a string`);
  if (id.length > MAX_ID_LENGTH) throw invalid(`${name} must not be longer than ${MAX_ID_LENGTH} characters`);
  return id;
}

/** As {@link readOptionalId}, for an id that must be there. */
export function readId(value: unknown, name: string): string {
  const id = readOptionalId(value, name);
  if (id === undefined) throw invalid(`${name} is required`);
  return id;
}

/** An address without the spaces around it; undefined when it is absent, null or blank. */
export function readAddress(value: unknown, name: string): string | undefined {
  if (isBlank(value)) return undefined;
  const address = typeof value === "string" ? value.trim() : undefined;
  if (address === undefined || !isAddress(address)) throw invalid(`${name} must be a valid email address`);
  return address;
}

const ADDRESS_PATTERN = /^[^\s@]+@[^\s@.]+(\.[^\s@.]+)+$/;

const isAddress = (text: string): boolean =>
  text.length <= MAX_ADDRESS_LENGTH && ADDRESS_PATTERN.test(text) && isStorableText(text);

/** What a body says of a user: its e-mail address, in `emailAddress` or `email`, and its attributes. */
export function readPerson(body: Record<string, unknown>): Attributes {
  const second = readAddress(body.email, "email");
  const address = readAddress(body.emailAddress, "emailAddress") ?? second;
  const attributes = readAttributes(body.attributes);
  if (address !== undefined) attributes.set("email", address);
  return attributes;
}

/** Attributes: flat, without those that are null, and within the limit. */
export function readAttributes(value: unknown): Attributes {
  const attributes: Attributes = new Map();
  if (value === undefined || value === null) return attributes;
  if (!isObject(value)) throw invalid("attributes must be an object");
  const leaves = flatten(value, attributes);
  if (leaves > MAX_ATTRIBUTES) throw invalid(`attributes must not have more than ${MAX_ATTRIBUTES} values`);
  if (isBlank(attributes.get("email"))) attributes.delete("email");
  return attributes;
}

/** Objects become dotted keys, lists their JSON. Returns how many values there were. */
function flatten(given: Record<string, unknown>, attributes: Attributes, path = "", depth = 0): number {
  if (depth > MAX_DEPTH) throw invalid("attributes are nested too deeply");
  let leaves = 0;
  for (const [key, value] of Object.entries(given)) {
    const at = path === "" ? key : `${path}.${key}`;
    if (isObject(value)) leaves += flatten(value, attributes, at, depth + 1);
    else {
      leaves++;
      addAttribute(attributes, at, value);
    }
  }
  return leaves;
}

function addAttribute(attributes: Attributes, key: string, value: unknown): void {
  if (key === "" || key.length > MAX_NAME_LENGTH || !isStorableText(key))
    throw invalid(`An attribute's name must have 1 to ${MAX_NAME_LENGTH} characters`);
  const stored = Array.isArray(value) ? JSON.stringify(value) : value;
  if (typeof stored === "string" && !isStorableText(stored))
    throw invalid("The value of an attribute has characters that cannot be stored");
  if (typeof stored === "string" || typeof stored === "number" || typeof stored === "boolean") attributes.set(key, stored);
}

/** The attributes that fit, given those that the user has; the keys of the others. */
export function fitAttributes(
  submitted: Attributes,
  stored: Readonly<Record<string, unknown>>,
): { attributes: Attributes; left: string[] } {
  let room = MAX_STORED_ATTRIBUTES - Object.keys(stored).length;
  const left: string[] = [];
  const attributes = new Map(
    [...submitted].filter(([key]) => {
      if (key === "email" || Object.hasOwn(stored, key) || room-- > 0) return true;
      left.push(key);
      return false;
    }),
  );
  return { attributes, left };
}

/** How far an event may lie ahead, so that a clock may be wrong. Source: sprig-api §8. */
const MAX_AHEAD_MS = 24 * 60 * 60_000;

/** The year 1, the first that a database and ISO 8601 agree on. */
const MIN_TIME = -62_135_596_800_000;

/** Past events of a user. Throws {@link refusedByPolicy} for one of the future. */
export function readEvents(value: unknown, now: number): HistoricEvent[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) throw invalid("events must be a list");
  const events = value.map((item: unknown, at) => {
    if (!isObject(item)) throw invalid(`events[${at}] must be an object`);
    return readEvent(item.event, item.timestamp, now, { name: `events[${at}].event`, time: `events[${at}].timestamp` });
  });
  for (const { occurredAt } of events) checkNotAhead(occurredAt, now);
  return events;
}

/** One event; without a time it is of now. @param names what the members are called in messages */
export function readEvent(name: unknown, timestamp: unknown, now: number, names: { name: string; time: string }): HistoricEvent {
  if (isBlank(name)) throw invalid(`${names.name} is required`);
  if (typeof name !== "string" || !isStorableText(name)) throw invalid(`${names.name} must be a string`);
  if (name.length > MAX_NAME_LENGTH) throw invalid(`${names.name} must not be longer than ${MAX_NAME_LENGTH} characters`);
  if (timestamp === undefined || timestamp === null) return { name, occurredAt: now, instant: null };
  const occurredAt = timeOf(timestamp);
  if (occurredAt === undefined) throw invalid(`${names.time} must be milliseconds since 1970 or an ISO 8601 time`);
  return { name, occurredAt, instant: String(occurredAt) };
}

/** Throws when the time is more than a day ahead. */
export function checkNotAhead(occurredAt: number, now: number): void {
  if (occurredAt > now + MAX_AHEAD_MS) throw refusedByPolicy("The time of an event is more than 24 hours in the future");
}

function timeOf(value: unknown): number | undefined {
  if (typeof value === "string") {
    const iso = isoDate(value, { offsets: true });
    return iso === undefined ? undefined : Date.parse(iso);
  }
  return typeof value === "number" && value >= MIN_TIME && value <= 8.64e15 ? Math.round(value) : undefined;
}

const MAX_PURGED = 100;

/** A hundred years: enough for never, and still a date. */
const MAX_DELAY_SECONDS = 100 * 366 * 24 * 60 * 60;

export interface PurgeInput {
  userIds: string[];
  emails: string[];
  visitorIds: string[];
  /** Undefined: as configured. */
  delaySeconds: number | undefined;
}

/** Whom to purge; null and blank entries of the lists are ignored. Source: sprig-api §5. */
export function readPurge(body: Record<string, unknown>): PurgeInput {
  const userIds = [...readIds(body.userIds, "userIds"), ...readIds(body.externalUserIds, "externalUserIds")];
  const emails = readIds(body.emails, "emails").map((email) => email.trim());
  const visitorIds = readIds(body.visitorIds, "visitorIds").map((id) => id.trim());
  const delaySeconds = readDelay(body.delaySeconds);
  const count = userIds.length + emails.length + visitorIds.length;
  if (count === 0) throw invalid("At least one of emails, userIds and visitorIds must have an id");
  if (count > MAX_PURGED) throw invalid(`A request must not have more than ${MAX_PURGED} ids`);
  return { userIds, emails, visitorIds, delaySeconds };
}

function readIds(value: unknown, name: string): string[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) throw invalid(`${name} must be a list`);
  return value.flatMap((item: unknown) => {
    if (isBlank(item)) return [];
    const id = typeof item === "number" ? idText(item) : item;
    if (typeof id !== "string" || !isStorableText(id)) throw invalid(`${name} must be a list of strings`);
    return [id];
  });
}

function readDelay(value: unknown): number | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value !== "number" || !Number.isInteger(value) || value < 0 || value > MAX_DELAY_SECONDS)
    throw invalid("delaySeconds must be a whole number of seconds, not negative");
  return value;
}
