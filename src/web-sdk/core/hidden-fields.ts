/** Data of the page that goes along with a response. Source: sdk-contract §5, §8.2. */
import { isRecord, type Survey } from "./state.ts";

export type FieldValue = string | number | boolean | string[];
export type FieldValues = Record<string, FieldValue>;

/** What of the values a response can hold, dates as ISO strings. */
export function readFieldValues(value: unknown): FieldValues {
  const fields: FieldValues = {};
  for (const [key, given] of Object.entries(isRecord(value) ? value : {})) {
    const kept = readFieldValue(given);
    if (kept !== undefined) fields[key] = kept;
  }
  return fields;
}

/** The values that the survey has hidden fields for, and the names of the others. */
export function fieldsOfSurvey(
  { hiddenFields: { enabled, fieldIds } }: Pick<Survey, "hiddenFields">,
  values: FieldValues,
): { fields: FieldValues; unknown: string[] } {
  const known = new Set(enabled ? fieldIds : []);
  const entries = Object.entries(values);
  return {
    fields: Object.fromEntries(entries.filter(([key]) => known.has(key))),
    unknown: entries.flatMap(([key]) => (known.has(key) ? [] : [key])),
  };
}

/** Values that are kept for all responses to come. In memory only. */
export interface EmbeddedData {
  values(): FieldValues;
  /** Adds to what is there; null takes a key away. */
  merge(data: unknown): void;
  /** Without a key: everything. */
  clear(...keys: unknown[]): void;
}

export function createEmbeddedData(): EmbeddedData {
  const kept = new Map<string, FieldValue>();
  return { values: () => Object.fromEntries(kept), merge, clear };

  function merge(data: unknown): void {
    for (const [key, value] of Object.entries(readFieldValues(data))) kept.set(key, value);
    for (const [key, value] of Object.entries(isRecord(data) ? data : {})) if (value === null) kept.delete(key);
  }

  function clear(...keys: unknown[]): void {
    if (keys.length === 0) kept.clear();
    for (const key of keys) if (typeof key === "string") kept.delete(key);
  }
}

function readFieldValue(value: unknown): FieldValue | undefined {
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? undefined : value.toISOString();
  if (Array.isArray(value)) return value.every((entry) => typeof entry === "string") ? value : undefined;
  return isAttributeValue(value) ? value : undefined;
}

/** A single value as JSON can carry it. */
export const isAttributeValue = (value: unknown): value is string | number | boolean =>
  typeof value === "string" || typeof value === "boolean" || Number.isFinite(value);
