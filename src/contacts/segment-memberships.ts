import type { Transaction } from "../db/database.ts";
import type { EnvironmentConfiguration } from "../environments/service.ts";
import { matchingSegmentIds, type SegmentSubject } from "../segments/service.ts";
import { loadFacts } from "./memberships.ts";
import type { ContactPair, WatchedContact } from "./watched-contact.ts";

/** A contact that a write has brought into a segment, or out of it. */
export interface MembershipChange {
  type: "segmentEntered" | "segmentLeft";
  segment: { id: string; title: string };
  contact: WatchedContact;
}

/** Contacts whose histories are read by one statement. */
const BATCH = 200;

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
    const ids = batch.flatMap(({ before, after }) => (before ? after.id : [])); // a new contact has no history
    const histories = await loadFacts(tx, environment, ids, now);
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
