import { notifyChange } from "../db/change-feed.ts";
import type { Database, Transaction } from "../db/database.ts";
import type { EnvironmentService } from "../environments/service.ts";
import type { AttributeValue } from "../shared/attributes.ts";
import type { Principal } from "../shared/principal.ts";
import { invalidField, notFound } from "../shared/problem.ts";
import { findContact } from "./aliases.ts";
import type { ContactWatch } from "./contact-watch.ts";
import { COMPANY_TIME } from "./identify-statement.ts";

export type ContactMerger = ReturnType<typeof createContactMerger>;

export interface MergeInput {
  /** The contact that goes on, by its id. */
  survivorId: string;
  /** The one that becomes part of it. */
  absorbedId: string;
  /** Where the id came from that the path does not name, for what is wrong with it. */
  field: "from" | "into";
  /** Whether only to tell what would happen. */
  dryRun: boolean;
}

/** A value of which both contacts had one; `null` as a company's: none. */
export interface MergeConflict {
  /** An attribute's key, or `userId`, `email` or `companyId` (our id). */
  key: string;
  kept: AttributeValue;
  dropped: AttributeValue;
}

export interface MergeOutcome {
  survivorId: string;
  absorbed: { id: string; userId: string | null; email: string | null };
  /** How many rows belong to the survivor that did not before. */
  moved: { displays: number; responses: number; events: number };
  conflicts: MergeConflict[];
  /** What the survivor is after it. */
  result: Pick<MergedContact, "userId" | "email" | "attributes" | "companyId">;
  /** The two had been merged before: nothing was left to do. */
  wasMerged: boolean;
}

interface MergedContact {
  id: string;
  environmentId: string;
  createdAt: Date;
  firstSeenAt: Date;
  lastSeenAt: Date;
  userId: string | null;
  email: string | null;
  visitorId: string;
  companyId: string | null;
  attributes: Record<string, AttributeValue>;
  attributeTimes: Record<string, number>;
}

const COLUMNS = `t.id, t."environmentId", t."createdAt", t."firstSeenAt", t."lastSeenAt", t."userId", t.email, t."visitorId",
  t."companyId", t.attributes, t."attributeTimes"`;

const MOVABLE = ["displays", "responses", "events"] as const;

/**
 * Makes one contact of two. Where both have a value, the survivor's stays; what it lacks it takes over. The ids of the
 * other keep leading to it: see src/decisions/0031.
 */
export function createContactMerger({
  db,
  environments,
  watch,
}: {
  db: Database;
  environments: EnvironmentService;
  watch: ContactWatch;
}) {
  return { merge };

  /**
   * Throws `not_found` (contact), `forbidden`; `invalid` (`from` or `into`) for the contact itself and for one of another
   * environment. Merging the same two again does nothing.
   */
  async function merge(caller: Principal, { survivorId, absorbedId, field, dryRun }: MergeInput): Promise<MergeOutcome> {
    if (survivorId === absorbedId) throw invalidField(field, "A contact cannot be merged with itself");
    const find = (id: string) => findContact<MergedContact>(db, caller, { columns: COLUMNS, id, level: "write" });
    const [survivor, absorbed] = [await find(survivorId), await find(absorbedId)];
    if (survivor.environmentId !== absorbed.environmentId)
      throw invalidField(field, "The contact belongs to another environment");
    if (survivor.id === absorbed.id) return repeated(survivor, absorbedId);
    const environment = await environments.configuration(survivor.environmentId);
    const outcome = await db.transaction((tx) => {
      const write = () => mergeOnce(tx, survivor, absorbed.id, dryRun);
      return dryRun ? write() : watch.around(tx, environment, { ids: [survivor.id, absorbed.id] }, write);
    });
    if (!dryRun) environments.forget(survivor.environmentId);
    return outcome;
  }

  async function mergeOnce(
    tx: Transaction,
    { environmentId, id }: MergedContact,
    absorbedId: string,
    dryRun: boolean,
  ): Promise<MergeOutcome> {
    // In one order always, so that two merges of the same two do not wait for each other; new displays, responses and
    // events of theirs wait, too.
    const rows = await tx.query<MergedContact>(
      `select ${COLUMNS} from contacts t where t."environmentId" = $1 and t.id = any($2::text[])
       order by t.id ${dryRun ? "" : "for update"}`,
      [environmentId, [id, absorbedId]],
    );
    const survivor = rows.find((row) => row.id === id);
    const absorbed = rows.find((row) => row.id === absorbedId);
    if (!survivor || !absorbed) throw notFound("contact", survivor ? absorbedId : id);
    const outcome = planMerge(survivor, absorbed);
    const moved = { displays: 0, responses: 0, events: 0 };
    for (const table of MOVABLE) moved[table] = await (dryRun ? count : move)(tx, table, { environmentId, id, absorbedId });
    if (!dryRun) await write(tx, survivor, absorbed, outcome);
    return { ...outcome, moved };
  }
}

interface Pair {
  environmentId: string;
  id: string;
  absorbedId: string;
}

async function count(tx: Transaction, table: (typeof MOVABLE)[number], { environmentId, absorbedId }: Pair): Promise<number> {
  const [row] = await tx.query<{ count: number }>(
    `select count(*)::int as count from ${table} where "environmentId" = $1 and "contactId" = $2`,
    [environmentId, absorbedId],
  );
  return row?.count ?? 0;
}

async function move(tx: Transaction, table: (typeof MOVABLE)[number], pair: Pair): Promise<number> {
  const total = await count(tx, table, pair);
  await tx.query(`update ${table} set "contactId" = $3 where "environmentId" = $1 and "contactId" = $2`, [
    pair.environmentId,
    pair.absorbedId,
    pair.id,
  ]);
  return total;
}

async function write(
  tx: Transaction,
  survivor: MergedContact,
  absorbed: MergedContact,
  { result }: Pick<MergeOutcome, "result">,
): Promise<void> {
  const { environmentId, id } = survivor;
  await tx.query(`update contact_aliases set "contactId" = $3 where "environmentId" = $1 and "contactId" = $2`, [
    environmentId,
    absorbed.id,
    id,
  ]);
  // First it goes: it holds the user id and the address that the survivor may take over.
  await tx.query(`delete from contacts where "environmentId" = $1 and id = $2`, [environmentId, absorbed.id]);
  const userId = absorbed.userId === result.userId ? null : absorbed.userId;
  // It may have been made by a call that was under way when another of this user id was merged: the latest counts.
  await tx.query(`update contact_aliases set "userId" = null where "environmentId" = $1 and "userId" = $2`, [
    environmentId,
    userId,
  ]);
  await tx.query(
    `insert into contact_aliases ("environmentId", id, "contactId", "userId", "visitorId") values ($1, $2, $3, $4, $5)`,
    [environmentId, absorbed.id, id, userId, absorbed.visitorId],
  );
  await tx.query(
    `update contacts set "userId" = $3, email = $4, "companyId" = $5, attributes = $6::jsonb, "attributeTimes" = $7::jsonb,
       "firstSeenAt" = least("firstSeenAt", $8::timestamptz), "lastSeenAt" = greatest("lastSeenAt", $9::timestamptz),
       "updatedAt" = now()
     where "environmentId" = $1 and id = $2`,
    [
      environmentId,
      id,
      result.userId,
      result.email,
      result.companyId,
      JSON.stringify(result.attributes),
      JSON.stringify(mergeTimes(survivor, absorbed)),
      absorbed.firstSeenAt,
      absorbed.lastSeenAt,
    ],
  );
  await notifyChange(tx, "environment", environmentId);
}

/** What the two come to: pure. */
function planMerge(survivor: MergedContact, absorbed: MergedContact): Omit<MergeOutcome, "moved"> {
  const conflicts: MergeConflict[] = [];
  const kept = <Value extends AttributeValue>(key: string, own: Value | null | undefined, other: Value | null | undefined) => {
    if (own == null) return other ?? null;
    if (other != null && other !== own) conflicts.push({ key, kept: own, dropped: other });
    return own;
  };
  const result = {
    userId: kept("userId", survivor.userId, absorbed.userId),
    email: kept("email", survivor.email, absorbed.email),
    companyId: kept("companyId", survivor.companyId, absorbed.companyId),
    attributes: { ...absorbed.attributes, ...survivor.attributes },
  };
  for (const [key, value] of Object.entries(survivor.attributes)) kept(key, value, ownValue(absorbed.attributes, key));
  const { id, userId, email } = absorbed;
  return { survivorId: survivor.id, absorbed: { id, userId, email }, conflicts, result, wasMerged: false };
}

const ownValue = (attributes: Record<string, AttributeValue>, key: string): AttributeValue | undefined =>
  Object.hasOwn(attributes, key) ? attributes[key] : undefined;

/** When each value of the result was set; a value without an entry was set when its contact was created. */
function mergeTimes(survivor: MergedContact, absorbed: MergedContact): Record<string, number> {
  const createdAt = absorbed.createdAt.getTime();
  const taken = Object.keys(absorbed.attributes).filter((key) => !Object.hasOwn(survivor.attributes, key));
  const inherited = Object.fromEntries(taken.map((key) => [key, absorbed.attributeTimes[key] ?? createdAt]));
  if (survivor.email === null && absorbed.email !== null) inherited.email = absorbed.attributeTimes.email ?? createdAt;
  if (survivor.companyId === null && absorbed.companyId !== null)
    inherited[COMPANY_TIME] = absorbed.attributeTimes[COMPANY_TIME] ?? createdAt;
  return { ...survivor.attributeTimes, ...inherited };
}

const repeated = (survivor: MergedContact, absorbedId: string): MergeOutcome => ({
  survivorId: survivor.id,
  absorbed: { id: absorbedId, userId: null, email: null },
  moved: { displays: 0, responses: 0, events: 0 },
  conflicts: [],
  result: survivor,
  wasMerged: true,
});
