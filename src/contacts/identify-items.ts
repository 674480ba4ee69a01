/** Identifies many contacts at once: reads them all, then writes those that are new and those that change. */
import type { Transaction } from "../db/database.ts";
import {
  type Change,
  CREATE,
  CREATE_WITH_COMPANY,
  type CreatedRow,
  createValues,
  FIND,
  FIND_WITH_FACTS,
  type FoundRow,
  findValues,
  findWithFactsValues,
  type IdentifiedRow,
  type IdentifyItem,
  timesOfChange,
  UPDATE,
  UPDATE_WITH_COMPANY,
  type UpdatedRow,
  updateValues,
} from "./identify-statement.ts";

type Executor = Pick<Transaction, "query">;

interface Sources {
  newId: () => string;
  now: () => number;
}

/**
 * A row per item: the contact as it is now; null where another call created or deleted it meanwhile, so that the item has
 * to be sent again. Items must name different contacts, sorted by environment and user id. Each contact is written by one
 * statement, all or nothing.
 */
export async function identifyItems(
  db: Executor,
  items: readonly IdentifyItem[],
  sources: Sources,
): Promise<(IdentifiedRow | null)[]> {
  const asking = items.filter(({ eventQueries }) => eventQueries !== null);
  if (asking.length === 0 || asking.length === items.length)
    return await identifyAlike(db, items, sources, { withFacts: asking.length > 0 });
  const plain = items.filter(({ eventQueries }) => eventQueries === null);
  const plainRows = await identifyAlike(db, plain, sources, { withFacts: false });
  const askingRows = await identifyAlike(db, asking, sources, { withFacts: true });
  return items.map(({ eventQueries }) => (eventQueries === null ? plainRows : askingRows).shift() ?? null);
}

/** The same for items of environments whose segments all ask for companies and events, or all do not. */
async function identifyAlike(
  db: Executor,
  items: readonly IdentifyItem[],
  { newId, now }: Sources,
  { withFacts }: { withFacts: boolean },
): Promise<(IdentifiedRow | null)[]> {
  const found = withFacts
    ? await db.query<FoundRow>(FIND_WITH_FACTS, findWithFactsValues(items))
    : await db.query<FoundRow>(FIND, findValues(items));
  const rows: (IdentifiedRow | null)[] = [];
  const changes: (Change & { at: number; found: FoundRow })[] = [];
  const missing: { item: IdentifyItem; at: number }[] = [];
  for (const [at, item] of items.entries()) {
    const row = found[at];
    const times = row && row.id !== null ? timesOfChange(item, row, now()) : undefined;
    rows.push(times === null && row ? identified(row) : null);
    if (!row || times === undefined) missing.push({ item, at });
    else if (times !== null) changes.push({ item, times, at, found: row });
  }
  if (changes.length > 0)
    for (const { position, ...updated } of await db.query<UpdatedRow>(
      withFacts ? UPDATE_WITH_COMPANY : UPDATE,
      updateValues(changes),
    )) {
      const change = changes[position - 1];
      if (change) rows[change.at] = { ...identified(change.found), ...updated };
    }
  if (missing.length > 0) {
    const places = new Map(missing.map((each) => [newId(), each]));
    const values = createValues(
      missing.map(({ item }) => item),
      [...places.keys()],
    );
    for (const created of await db.query<CreatedRow>(withFacts ? CREATE_WITH_COMPANY : CREATE, values)) {
      const place = places.get(created.id);
      if (place)
        rows[place.at] = { ...created, ...NO_PAST, isNew: true, emailTaken: Boolean(place.item.email) && !created.email };
    }
  }
  return rows;
}

/** What a contact that was just created has done. */
const NO_PAST = { displays: null, responses: null, events: null } as const;

const identified = ({ isSeenLongAgo: _, ...row }: FoundRow): IdentifiedRow => ({
  ...row,
  id: row.id ?? "",
  isNew: false,
  emailTaken: false,
});
