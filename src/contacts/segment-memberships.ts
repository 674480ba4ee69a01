import type { Transaction } from "../db/database.ts";
import type { EnvironmentConfiguration } from "../environments/service.ts";
import { eventRanges, matchingSegmentIds, type SegmentSubject } from "../segments/service.ts";
import { HISTORY_LIMIT, type IdentifiedRow } from "./identify-statement.ts";
import type { ContactPair, WatchedContact } from "./watched-contact.ts";

/** A contact that a write has brought into a segment, or out of it. */
export interface MembershipChange {
  type: "segmentEntered" | "segmentLeft";
  segment: { id: string; title: string };
  contact: WatchedContact;
}

/** Contacts whose histories are read by one statement. */
const BATCH = 200;

/** The newest of what a contact was shown, answered and did, as identify reads it; `$3` as in IDENTIFY_WITH_FACTS. */
const READ_HISTORIES = `
select c.id, d.displays, r.responses, ev.events
from unnest($2::text[]) as c(id)
left join lateral (
  select json_agg(json_build_array(x."surveyId", x.at)) as displays from (
    select "surveyId", (extract(epoch from "createdAt") * 1000)::bigint as at from displays
    where "environmentId" = $1 and "contactId" = c.id order by "createdAt" desc limit ${HISTORY_LIMIT}
  ) x
) d on true
left join lateral (
  select json_agg(json_build_array(x."surveyId", x.at, x.finished)) as responses from (
    select "surveyId", (extract(epoch from "createdAt") * 1000)::bigint as at, finished from responses
    where "environmentId" = $1 and "contactId" = c.id order by "createdAt" desc limit ${HISTORY_LIMIT}
  ) x
) r on true
left join lateral (
  select json_agg(json_build_array(q.name, e.at, e.properties)) as events
  from jsonb_to_recordset($3::jsonb) as q(name text, since float8), lateral (
    select (extract(epoch from "occurredAt") * 1000)::bigint as at, e.properties from events e
    where e."environmentId" = $1 and e."contactId" = c.id and e.name = q.name
      and e."occurredAt" >= coalesce(to_timestamp(q.since / 1000), '-infinity')
    order by "occurredAt" desc limit ${HISTORY_LIMIT}
  ) e
) ev on true`;

type HistoryRow = { id: string } & Pick<IdentifiedRow, "displays" | "responses" | "events">;
type History = Pick<SegmentSubject, "displays" | "responses" | "events">;
type Company = NonNullable<SegmentSubject["company"]>;

/**
 * The segments that contacts came into and went out of by a change of theirs: all segments are evaluated on each contact
 * before and after, with the same history and at the same moment. Those left come first. A segment that fails is left out.
 */
export async function findMemberships(
  tx: Transaction,
  environment: EnvironmentConfiguration,
  changed: readonly ContactPair[],
  { deviceOf, now }: { deviceOf: (userId: string | null) => SegmentSubject["device"]; now: number },
): Promise<MembershipChange[]> {
  const companies = await readCompanies(tx, environment, changed);
  const moves: Move[] = [];
  for (let at = 0; at < changed.length; at += BATCH) {
    const batch = changed.slice(at, at + BATCH);
    const histories = await readHistories(tx, environment, batch, now);
    for (const pair of batch) {
      const history = histories.get(pair.after.id) ?? { displays: [], responses: [] };
      const device = deviceOf(pair.after.userId);
      const segmentsOf = ({ userId, email, attributes, ownCompanyId }: WatchedContact): string[] => {
        const company = companies.get(ownCompanyId ?? "") ?? null;
        return matchingSegmentIds(environment.segments, { userId, email, attributes, company, ...history, device, now });
      };
      moves.push(...findMoves(pair, segmentsOf));
    }
  }
  const ids = moves.map(({ segmentId }) => segmentId);
  const titles = await readTitles(tx, environment.id, ids);
  return moves.map(({ segmentId, ...move }) => ({ ...move, segment: { id: segmentId, title: titles.get(segmentId) ?? "" } }));
}

interface Move extends Omit<MembershipChange, "segment"> {
  segmentId: string;
}

function findMoves({ before, after: contact }: ContactPair, segmentsOf: (contact: WatchedContact) => string[]): Move[] {
  const were = before ? segmentsOf(before) : [];
  const are = segmentsOf(contact);
  const left = were.filter((id) => !are.includes(id));
  const entered = are.filter((id) => !were.includes(id));
  return [
    ...left.map((segmentId) => ({ type: "segmentLeft" as const, segmentId, contact })),
    ...entered.map((segmentId) => ({ type: "segmentEntered" as const, segmentId, contact })),
  ];
}

async function readHistories(
  tx: Transaction,
  { id: environmentId, facts }: EnvironmentConfiguration,
  batch: readonly ContactPair[],
  now: number,
): Promise<Map<string, History>> {
  const ranges = facts ? eventRanges(facts, now) : [];
  const ids = batch.flatMap(({ before, after }) => (before ? after.id : [])); // a new contact has no history
  if (ids.length === 0) return new Map();
  const rows = await tx.query<HistoryRow>(READ_HISTORIES, [environmentId, ids, JSON.stringify(ranges)]);
  return new Map(
    rows.map(({ id, displays, responses, events }) => [
      id,
      {
        displays: (displays ?? []).map(([surveyId, createdAt]) => ({ surveyId, createdAt })),
        responses: (responses ?? []).map(([surveyId, createdAt, finished]) => ({ surveyId, createdAt, finished })),
        events: (events ?? []).map(([name, occurredAt, properties]) => ({ name, occurredAt, properties })),
      },
    ]),
  );
}

/** By our own ids; only when segments ask for companies, or for events, which come with them. */
async function readCompanies(
  tx: Transaction,
  { id: environmentId, facts }: EnvironmentConfiguration,
  changed: readonly ContactPair[],
): Promise<Map<string, Company>> {
  const ids = changed.flatMap(({ before, after }) => [before?.ownCompanyId, after.ownCompanyId].filter((id) => id != null));
  if (facts === null || ids.length === 0) return new Map();
  const rows = await tx.query<Company & { ownId: string }>(
    `select id as "ownId", "companyId" as id, attributes from companies where "environmentId" = $1 and id = any($2::text[])`,
    [environmentId, ids],
  );
  return new Map(rows.map(({ ownId, ...company }) => [ownId, company]));
}

async function readTitles(tx: Transaction, environmentId: string, ids: readonly string[]): Promise<Map<string, string>> {
  if (ids.length === 0) return new Map();
  const rows = await tx.query<{ id: string; title: string }>(
    `select id, title from segments where "environmentId" = $1 and id = any($2::text[])`,
    [environmentId, [...new Set(ids)]],
  );
  return new Map(rows.map(({ id, title }) => [id, title]));
}
