/** Identifies many contacts at once: reads them all, then writes those that are new and those that change. */
import type { Statement, Transaction } from "../db/database.ts";
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

/** A contact that is to change, and which of the items it is. */
interface PlacedChange extends Change {
  at: number;
  found: FoundRow;
}

/** A contact that is to be made, and which of the items it is. */
interface Missing {
  item: IdentifyItem;
  at: number;
}

type Rows = (IdentifiedRow | null)[];

/** The same for items of environments whose segments all ask for companies and events, or all do not. */
async function identifyAlike(
  db: Executor,
  items: readonly IdentifyItem[],
  { newId, now }: Sources,
  { withFacts }: { withFacts: boolean },
): Promise<Rows> {
  const found = withFacts
    ? await db.query<FoundRow>(FIND_WITH_FACTS, findWithFactsValues(items))
    : await db.query<FoundRow>(FIND, findValues(items));
  const rows: Rows = [];
  const changes: PlacedChange[] = [];
  const missing: Missing[] = [];
  for (const [at, item] of items.entries()) {
    rows.push(null);
    const row = found[at];
    if (!row || row.id === null) {
      missing.push({ item, at });
      continue;
    }
    const times = timesOfChange(item, row, now());
    if (times === null) rows[at] = identified(row);
    else changes.push({ item, times, at, found: row });
  }
  if (changes.length > 0) await update(db, changes, rows, withFacts ? UPDATE_WITH_COMPANY : UPDATE);
  if (missing.length > 0) await create(db, missing, rows, { newId, statement: withFacts ? CREATE_WITH_COMPANY : CREATE });
  return rows;
}

async function update(db: Executor, changes: readonly PlacedChange[], rows: Rows, statement: Statement): Promise<void> {
  for (const { position, ...updated } of await db.query<UpdatedRow>(statement, updateValues(changes))) {
    const change = changes[position - 1];
    if (change) rows[change.at] = { ...identified(change.found), ...updated };
  }
}

async function create(
  db: Executor,
  missing: readonly Missing[],
  rows: Rows,
  { newId, statement }: { newId: () => string; statement: Statement },
): Promise<void> {
  const places = new Map(missing.map((each) => [newId(), each]));
  const items = missing.map(({ item }) => item);
  for (const created of await db.query<CreatedRow>(statement, createValues(items, [...places.keys()]))) {
    const place = places.get(created.id);
    if (!place) continue;
    const emailTaken = Boolean(place.item.email) && created.email === null;
    rows[place.at] = { ...created, ...NO_PAST, isNew: true, emailTaken };
  }
}

/** What a contact that was just created has done. */
const NO_PAST = { displays: null, responses: null, events: null } as const;

/** Written out, because this is the way of every call: taking one member out of an object copies it slowly. */
const identified = (row: FoundRow): IdentifiedRow => ({
  id: row.id ?? "",
  email: row.email,
  attributes: row.attributes,
  companyId: row.companyId,
  company: row.company,
  events: row.events,
  displays: row.displays,
  responses: row.responses,
  isNew: false,
  emailTaken: false,
});
