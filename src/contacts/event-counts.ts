import type { Transaction } from "../db/database.ts";
import { eventCountsToSql, type SegmentFacts, type SegmentSubject } from "../segments/service.ts";

type EventCounts = NonNullable<SegmentSubject["eventCounts"]>;

/**
 * What segments count of contacts' events, by contacts' ids: counted by the database, so that it does not matter how many
 * there are. Empty when segments count none. @param now milliseconds since the epoch
 */
export async function countEvents(
  queries: Pick<Transaction, "query">,
  { id: environmentId, facts }: { id: string; facts: SegmentFacts | null },
  ids: readonly string[],
  now: number,
): Promise<Map<string, EventCounts>> {
  if (facts === null || facts.counted.size === 0) return new Map();
  const keys = [...facts.counted.keys()];
  const { text, values } = eventCountsToSql([...facts.counted.values()], { environmentId, now });
  const rows = await queries.query<{ id: string; counts: number[] }>(
    `select c.id, ${text} as counts from unnest($${values.length + 1}::text[]) as c(id)`,
    [...values, ids],
  );
  return new Map(rows.map(({ id, counts }) => [id, new Map(keys.map((key, at) => [key, counts[at] ?? 0]))]));
}
