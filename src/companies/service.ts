import type { Database, Transaction } from "../db/database.ts";
import { isRetryable, isUnavailable } from "../db/errors.ts";
import type { AttributeValue } from "../shared/attributes.ts";
import { createBatcher } from "../shared/batcher.ts";
import { isoDate } from "../shared/iso-date.ts";
import { unavailable } from "../shared/problem.ts";
import {
  type CompanyItem,
  type CompanyRow,
  companyValues,
  IDENTIFY_COMPANIES,
  MERGE_COMPANY_HISTORY,
} from "./company-statement.ts";

/** A company as a contract names it. */
export interface CompanyInput {
  /** The customer's id for it. */
  companyId: string;
  /** Merged into the company's; null removes one. Keys are kept verbatim. */
  attributes: ReadonlyMap<string, AttributeValue | null>;
}

export interface Company {
  /** Our id, to which contacts refer. */
  id: string;
  companyId: string;
  attributes: Record<string, AttributeValue>;
  createdAt: Date;
  updatedAt: Date;
}

export type CompanyService = ReturnType<typeof createCompanyService>;

/** How often a company is sent again when it changes under the statement's hands. */
const MAX_TRIES = 4;
const MAX_BATCH = 100;
const MAX_WAITING = 5_000;

/** Two calls for one company as one. */
const mergeItems = (first: CompanyItem, second: CompanyItem): CompanyItem => ({
  ...first,
  patch: Object.assign(Object.create(null), first.patch, second.patch),
});

const tooBusy = () => unavailable("The company is being changed by too many calls at once", 1);

/**
 * Companies: what contacts belong to, each to one at most. There are no attribute keys for them: a value keeps the type
 * it comes with, and a text that is an ISO 8601 date is stored as one.
 */
export function createCompanyService({ db, newId }: { db: Database; newId: () => string }) {
  const batcher = createBatcher<CompanyItem, CompanyRow>({
    run: (items) => db.query<CompanyRow>(IDENTIFY_COMPANIES, companyValues(items)),
    isOfOneItem: (error) => !isUnavailable(error),
    keyOf: ({ environmentId, companyId }) => `${environmentId} ${companyId}`,
    merge: mergeItems,
    maxRunning: db.namedConnections,
    maxBatch: MAX_BATCH,
    maxWaiting: MAX_WAITING,
  });
  return { identify, identifyWithin, mergeHistory, find };

  /** Ensures that the company exists, merges its attributes and returns its state. Idempotent; one round trip. */
  async function identify(environmentId: string, company: CompanyInput): Promise<CompanyRow> {
    const item = toItem(environmentId, company);
    for (let tries = 1; tries <= MAX_TRIES; tries++) {
      const row = await batcher.submit(item).catch((error: unknown) => {
        if (isRetryable(error)) return undefined;
        throw error;
      });
      if (row && !row.isStale) return row;
    }
    throw tooBusy();
  }

  /**
   * The same for many companies inside a transaction; of several inputs for one company the later ones are merged over
   * the earlier ones. Returns our ids by the customer's.
   */
  async function identifyWithin(
    tx: Transaction,
    environmentId: string,
    companies: readonly CompanyInput[],
  ): Promise<Map<string, string>> {
    const items = new Map<string, CompanyItem>();
    for (const company of companies) {
      const item = toItem(environmentId, company);
      const earlier = items.get(company.companyId);
      items.set(company.companyId, earlier ? mergeItems(earlier, item) : item);
    }
    const ids = new Map<string, string>();
    let waiting = [...items.values()].sort((a, b) => (a.companyId < b.companyId ? -1 : 1));
    for (let tries = 1; waiting.length > 0; tries++) {
      if (tries > MAX_TRIES) throw tooBusy();
      const rows = await tx.query<CompanyRow>(IDENTIFY_COMPANIES, companyValues(waiting));
      for (const [at, { companyId }] of waiting.entries()) {
        const row = rows[at];
        if (row && !row.isStale) ids.set(companyId, row.id);
      }
      waiting = waiting.filter(({ companyId }) => !ids.has(companyId));
    }
    return ids;
  }

  /**
   * As {@link identifyWithin}, for what was known at a time in the past (`at`, milliseconds since the epoch), in any
   * order: no value replaces one that was set later.
   */
  async function mergeHistory(
    tx: Transaction,
    environmentId: string,
    companies: readonly (CompanyInput & { at: number })[],
  ): Promise<Map<string, string>> {
    const items = new Map<string, { patch: Record<string, AttributeValue | null>; times: Record<string, number> }>();
    for (const { companyId, attributes, at } of companies) {
      const item = items.get(companyId) ?? { patch: {}, times: {} };
      items.set(companyId, item);
      for (const [key, value] of Object.entries(companyPatch(attributes))) {
        if (at < (item.times[key] ?? 0)) continue;
        item.patch[key] = value;
        item.times[key] = at;
      }
    }
    const sorted = [...items].sort(([a], [b]) => (a < b ? -1 : 1));
    if (sorted.length === 0) return new Map();
    const rows = await tx.query<{ id: string; companyId: string }>(MERGE_COMPANY_HISTORY, [
      environmentId,
      sorted.map(([companyId]) => companyId),
      sorted.map(() => newId()),
      JSON.stringify(sorted.map(([, { patch }]) => patch)),
      JSON.stringify(sorted.map(([, { times }]) => times)),
    ]);
    return new Map(rows.map(({ id, companyId }) => [companyId, id]));
  }

  /** Null when the environment has no such company. */
  function find(environmentId: string, companyId: string): Promise<Company | null> {
    return db
      .query<Company>(
        `select id, "companyId", attributes, "createdAt", "updatedAt" from companies where "environmentId" = $1 and "companyId" = $2`,
        [environmentId, companyId],
      )
      .then(([company]) => company ?? null);
  }

  function toItem(environmentId: string, { companyId, attributes }: CompanyInput): CompanyItem {
    return { environmentId, companyId, newId: newId(), patch: companyPatch(attributes) };
  }
}

/** The attributes as they are stored. */
function companyPatch(attributes: CompanyInput["attributes"]): Record<string, AttributeValue | null> {
  const patch: Record<string, AttributeValue | null> = Object.create(null);
  for (const [key, value] of attributes)
    patch[key] = typeof value === "string" ? (isoDate(value, { offsets: true }) ?? value) : value;
  return patch;
}
