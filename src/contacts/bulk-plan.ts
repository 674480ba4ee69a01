/** Decides what an upload of contacts does: which are made, changed and skipped, and which keys it brings. Pure. Source: management-api-v2 §5.8. */
import type { AttributeDataType, AttributeValue } from "../shared/attributes.ts";
import type { ProblemIssue } from "../shared/problem.ts";
import { inferTextDataType, parseAttributeText } from "./attribute-text.ts";

export interface UploadedAttribute {
  key: string;
  /** The key's display name. */
  name: string;
  value: string;
}

/** One contact of an upload; its keys are unique and `email` is among them. */
export type UploadedContact = readonly UploadedAttribute[];

/** A key of the environment. */
export interface KnownKey {
  key: string;
  name: string | null;
  type: "default" | "custom";
  dataType: AttributeDataType;
}

export interface StoredContact {
  id: string;
  userId: string | null;
  email: string | null;
  attributes: Record<string, AttributeValue>;
}

export interface KeyPlan {
  created: { key: string; name: string; dataType: AttributeDataType }[];
  renamed: { key: string; name: string }[];
  /** Of all keys afterwards. */
  dataTypes: Map<string, AttributeDataType>;
  /** Values that do not fit their keys. */
  issues: ProblemIssue[];
}

export interface ContactPlan {
  created: { userId: string | null; email: string; attributes: Record<string, AttributeValue> }[];
  /** `userId` null leaves it. */
  changed: { id: string; userId: string | null; patch: Record<string, AttributeValue> }[];
  skipped: { index: number; userId: string }[];
}

/** They are columns of a contact, of which every environment's keys speak. */
const COLUMNS = new Set(["userId", "email"]);
const SAMPLES = 3;

/** Default keys keep their names, as they do everywhere else. */
export function planKeys(contacts: readonly UploadedContact[], known: readonly KnownKey[]): KeyPlan {
  const knownKeys = new Map(known.map((entry) => [entry.key, entry]));
  const plan: KeyPlan = { created: [], renamed: [], dataTypes: new Map(), issues: [] };
  for (const [key, { name, values }] of groupByKey(contacts)) {
    const existing = knownKeys.get(key);
    const dataType = existing?.dataType ?? inferTextDataType(values);
    plan.dataTypes.set(key, dataType);
    if (!existing) plan.created.push({ key, name, dataType });
    else if (existing.type === "custom" && existing.name !== name) plan.renamed.push({ key, name });
    const misfits = values.filter((value) => !isBlank(value) && parseAttributeText(value, dataType) === undefined);
    if (misfits.length > 0) plan.issues.push(misfitIssue(key, dataType, misfits));
  }
  return plan;
}

/**
 * @param stored the contacts that have one of the addresses or user ids
 * @param formerUserIds those of contacts that were merged into another, with that one's id: they are its, too
 * A row whose userId another contact holds is skipped. Blank text is no number, date or boolean and is not written.
 */
export function planContacts(
  contacts: readonly UploadedContact[],
  stored: readonly StoredContact[],
  dataTypes: ReadonlyMap<string, AttributeDataType>,
  formerUserIds: ReadonlyMap<string, string>,
): ContactPlan {
  const byEmail = new Map(stored.map((contact) => [contact.email, contact]));
  const holders = new Map([...stored.map(({ userId, id }) => [userId, id] as const), ...formerUserIds]);
  const plan: ContactPlan = { created: [], changed: [], skipped: [] };
  for (const [index, uploaded] of contacts.entries()) {
    const { email, userId, attributes } = readContact(uploaded, dataTypes);
    const existing = byEmail.get(email);
    const holder = userId === null ? undefined : holders.get(userId);
    if (userId !== null && holder !== undefined && holder !== existing?.id) plan.skipped.push({ index, userId });
    else if (!existing) plan.created.push({ userId, email, attributes });
    else {
      const patch = Object.fromEntries(Object.entries(attributes).filter(([key, value]) => existing.attributes[key] !== value));
      const newUserId = holder === existing.id ? null : userId;
      if (newUserId !== null || Object.keys(patch).length > 0) plan.changed.push({ id: existing.id, userId: newUserId, patch });
    }
  }
  return plan;
}

/** The text of an uploaded attribute; blank counts as absent. */
export function uploadedText(contact: UploadedContact, key: string): string | undefined {
  const value = contact.find((attribute) => attribute.key === key)?.value;
  return value === undefined || value === "" ? undefined : value;
}

function groupByKey(contacts: readonly UploadedContact[]): Map<string, { name: string; values: string[] }> {
  const groups = new Map<string, { name: string; values: string[] }>();
  for (const { key, name, value } of contacts.flat()) {
    if (COLUMNS.has(key)) continue;
    const group = groups.get(key) ?? { name, values: [] };
    groups.set(key, { name, values: group.values });
    group.values.push(value);
  }
  return groups;
}

function readContact(uploaded: UploadedContact, dataTypes: ReadonlyMap<string, AttributeDataType>) {
  const attributes: Record<string, AttributeValue> = Object.create(null);
  for (const { key, value } of uploaded) {
    const dataType = dataTypes.get(key);
    if (dataType === undefined || (isBlank(value) && dataType !== "string")) continue;
    const parsed = parseAttributeText(value, dataType);
    if (parsed !== undefined) attributes[key] = parsed;
  }
  return { email: uploadedText(uploaded, "email") ?? "", userId: uploadedText(uploaded, "userId") ?? null, attributes };
}

function misfitIssue(key: string, dataType: AttributeDataType, misfits: string[]): ProblemIssue {
  const more = misfits.length > SAMPLES ? ` (and ${misfits.length - SAMPLES} more)` : "";
  const samples = misfits.slice(0, SAMPLES).join(", ");
  return {
    field: "attributes",
    issue: `Attribute "${key}" is typed as "${dataType}" but received invalid values: ${samples}${more}`,
  };
}

const isBlank = (text: string): boolean => text.trim() === "";
