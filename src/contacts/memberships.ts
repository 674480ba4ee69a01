/** The segments of many contacts at once, as identify would find them at this moment. */
import type { Database } from "../db/database.ts";
import type { ListReader } from "../db/read-replica.ts";
import type { EnvironmentConfiguration, EnvironmentService } from "../environments/service.ts";
import { matchingSegmentIds, type SegmentSubject } from "../segments/service.ts";
import { countEvents } from "./event-counts.ts";

/** A contact as far as segments ask about it. */
export interface Member extends Pick<SegmentSubject, "userId" | "email" | "attributes"> {
  id: string;
  environmentId: string;
  company: { companyId: string; attributes: NonNullable<SegmentSubject["company"]>["attributes"] } | null;
}

export type Memberships = ReturnType<typeof createMemberships>;

/** What segments look at beside the contact itself and its company. */
export type Facts = Pick<SegmentSubject, "displays" | "responses" | "eventCounts">;

/**
 * What segments look at, of contacts `$2` of one environment. Of displays and responses the newest of each survey are
 * enough, for every condition about them asks whether there is one since a time.
 */
const LOAD_FACTS = `
select c.id,
  (select coalesce(json_agg(json_build_object('surveyId', d."surveyId", 'createdAt', d.at)), '[]') from (
    select "surveyId", (extract(epoch from max("createdAt")) * 1000)::bigint as at from displays
    where "environmentId" = $1 and "contactId" = c.id group by "surveyId") d) as displays,
  (select coalesce(json_agg(json_build_object('surveyId', r."surveyId", 'finished', r.finished, 'createdAt', r.at)), '[]') from (
    select "surveyId", finished, (extract(epoch from max("createdAt")) * 1000)::bigint as at from responses
    where "environmentId" = $1 and "contactId" = c.id group by "surveyId", finished) r) as responses
from unnest($2::text[]) as c(id)`;

/** @param now milliseconds since the epoch */
export function createMemberships({
  db,
  environments,
  now,
}: {
  db: Database;
  environments: EnvironmentService;
  now: () => number;
}) {
  return { addSegments };

  /**
   * The same contacts, in their order, each with the ids of its segments. Nobody is calling: filters about a device are false.
   * @param queries what the contacts were read with
   */
  async function addSegments<Contact extends Member>(
    contacts: readonly Contact[],
    queries: ListReader = db,
  ): Promise<(Contact & { segments: string[] })[]> {
    const segments = new Map<Contact, string[]>();
    for (const environmentId of new Set(contacts.map((contact) => contact.environmentId))) {
      const environment = await environments.configuration(environmentId);
      const own = contacts.filter((contact) => contact.environmentId === environmentId);
      const ids = own.map(({ id }) => id);
      const facts = await loadFacts(queries, environment, ids, now());
      for (const contact of own) segments.set(contact, segmentsOf(environment, contact, facts.get(contact.id)));
    }
    return contacts.map((contact) => ({ ...contact, segments: segments.get(contact) ?? [] }));
  }

  function segmentsOf(environment: EnvironmentConfiguration, contact: Member, facts: Facts | undefined): string[] {
    const { userId, email, attributes, company } = contact;
    return matchingSegmentIds(environment.segments, {
      userId,
      email,
      attributes,
      company: company && { id: company.companyId, attributes: company.attributes },
      displays: [],
      responses: [],
      ...facts,
      device: null,
      now: now(),
    });
  }
}

/** By contacts' ids; of none when the environment has no segments. @param now milliseconds since the epoch */
export async function loadFacts(
  queries: ListReader,
  environment: EnvironmentConfiguration,
  ids: readonly string[],
  now: number,
): Promise<Map<string, Facts>> {
  if (environment.segments.length === 0 || ids.length === 0) return new Map();
  const rows = await queries.query<Pick<Facts, "displays" | "responses"> & { id: string }>(LOAD_FACTS, [environment.id, ids]);
  const counts = await countEvents(queries, environment, ids, now);
  return new Map(rows.map(({ id, ...facts }) => [id, { ...facts, eventCounts: counts.get(id) }]));
}
