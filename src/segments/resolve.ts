/** Segments that refer to segments: who is meant, and what is wrong with it. Source: client-api §7.4. */
import { type GroupFilter, type ParsedFilters, parseFilters, referredSegmentIds } from "./filter.ts";

/** A segment as stored. Its filters may come from an import, so nothing about them is taken for granted. */
export interface SegmentRow {
  id: string;
  filters: unknown;
}

export interface ResolvedSegment {
  id: string;
  /** Null when the segment matches nobody: it, or one it refers to however indirectly, is unreadable or missing. */
  filter: GroupFilter | null;
  /** The segments its leaves speak of; a leaf whose id is not among them leads in a circle and is false. */
  nested: ReadonlyMap<string, ResolvedSegment>;
  /** What is wrong with it, for the log. */
  issues: readonly string[];
}

/** How many segments a chain of references may have. */
const MAX_CHAIN = 100;
/** How often segments may be resolved anew for one that is entangled in circles, where the way taken matters. */
const MAX_EXPANSIONS = 1_000;

class TooEntangled extends Error {}

/**
 * Resolves the segments of one environment: whatever else a leaf refers to counts as deleted. A circle is cut where
 * it closes, that is, at the leaf whose segment is being evaluated already; so a segment can mean one thing by itself
 * and another within a circle. Segments that lead into no circle are resolved once and shared. Never throws.
 */
export function resolveSegments(segments: readonly SegmentRow[]): ResolvedSegment[] {
  const parsed = new Map<string, ParsedFilters>();
  for (const { id, filters } of segments) parsed.set(id, parseFilters(filters));
  const shared = new Map<string, Resolution>();
  let expansions = 0;
  return segments.map(({ id }) => resolveFromStart(id));

  function resolveFromStart(id: string): ResolvedSegment {
    expansions = 0;
    try {
      return resolve(id, []).segment;
    } catch (error) {
      if (error instanceof TooEntangled || error instanceof RangeError)
        return broken(id, "refers to segments in too many circles or in too long a chain");
      throw error;
    }
  }

  /** @param path the segments that are being resolved, from the outermost in */
  function resolve(id: string, path: readonly string[]): Resolution {
    const known = shared.get(id);
    if (known) return known;
    if (++expansions > MAX_EXPANSIONS + segments.length) throw new TooEntangled();
    const own = parsed.get(id);
    if (own === undefined) return { segment: broken(id, "does not exist"), isCircular: false, length: 1 };
    const { nested, issues, isCircular, length } = resolveReferences(own, [...path, id]);
    const isBroken = !own.readable || length > MAX_CHAIN || [...nested.values()].some(({ filter }) => filter === null);
    if (length > MAX_CHAIN) issues.push("refers to segments in too long a chain");
    const resolution = { segment: { id, filter: isBroken ? null : own.filter, nested, issues }, isCircular, length };
    if (!isCircular) shared.set(id, resolution);
    return resolution;
  }

  function resolveReferences(own: ParsedFilters, path: readonly string[]) {
    const nested = new Map<string, ResolvedSegment>();
    const issues = own.readable ? [] : [own.reason];
    let isCircular = false;
    let length = 1;
    for (const id of own.readable ? referredSegmentIds(own.filter) : []) {
      if (path.includes(id)) {
        isCircular = true;
        issues.push(`leads in a circle over segment ${id}`);
        continue;
      }
      const other = resolve(id, path);
      nested.set(id, other.segment);
      isCircular ||= other.isCircular;
      if (other.segment.filter === null) issues.push(`refers to segment ${id}, which is missing or unusable`);
      length = Math.max(length, other.length + 1);
    }
    return { nested, issues, isCircular, length };
  }
}

interface Resolution {
  segment: ResolvedSegment;
  /** Whether a circle was cut in it or below, so that it means this only after the path it was reached by. */
  isCircular: boolean;
  /** Of the longest chain of references that starts with it. */
  length: number;
}

const broken = (id: string, issue: string): ResolvedSegment => ({ id, filter: null, nested: new Map(), issues: [issue] });
