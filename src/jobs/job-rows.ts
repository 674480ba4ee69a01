import type { CompanyInput, CompanyService } from "../companies/service.ts";
import {
  type BulkContact,
  type ContactService,
  type ContactWatch,
  type HistoricContact,
  type TypeConflicts,
  VERBATIM_RULES,
} from "../contacts/service.ts";
import type { Transaction } from "../db/database.ts";
import type { EnvironmentConfiguration } from "../environments/service.ts";
import type { Suppression } from "../erasures/service.ts";
import type { EventInput, EventService } from "../events/service.ts";
import type { AttributeValue } from "../shared/attributes.ts";

type Attributes = Record<string, AttributeValue | null>;

interface CompanyPart {
  companyId: string;
  attributes: Attributes;
}

/**
 * One row of a job as it waits in the database: what the contract made of the row that was sent. With `at`
 * (milliseconds since the epoch) it is history, which never replaces what was set later.
 */
export type JobRow =
  | {
      kind: "contact";
      userId: string;
      attributes: Attributes;
      company?: CompanyPart;
      at?: number;
      firstSeenAt?: number;
      lastSeenAt?: number;
    }
  | { kind: "address"; email: string; attributes: Attributes }
  | { kind: "company"; company: CompanyPart; at?: number }
  | {
      kind: "event";
      userId: string;
      company?: CompanyPart;
      at: number;
      /** The contract that brought it. */
      source: string;
      name: string;
      /** The time as it was sent: with person and name it tells the event from others. */
      instant: string;
      properties: Record<string, unknown>;
    };

/** The id that a report may show of a row. */
export function idOfRow(row: JobRow): string {
  if (row.kind === "address") return row.email.toLowerCase();
  return row.kind === "company" ? row.company.companyId : row.userId;
}

export type WriteRows = ReturnType<typeof createRowWriter>;

/** Writes rows of jobs inside a transaction, in the order given as far as they concern the same person. */
export function createRowWriter({
  contacts,
  companies,
  events,
  suppression,
  watch,
  typeConflicts,
}: {
  contacts: ContactService;
  companies: CompanyService;
  events: EventService;
  suppression: Suppression;
  watch: ContactWatch;
  typeConflicts: TypeConflicts;
}) {
  /** Returns the rows that were left out because their person was erased after them, by index. */
  return async function writeRows(
    tx: Transaction,
    environment: EnvironmentConfiguration,
    rows: readonly JobRow[],
  ): Promise<{ erased: number[]; keysCreated: boolean }> {
    const erased = await findErased(tx, environment.id, rows);
    const kept = rows.filter((_, at) => !erased.has(at));
    const userIds = kept.flatMap((row) => (row.kind === "contact" || row.kind === "event" ? row.userId : []));
    const emails = kept.flatMap((row) => {
      const email = row.kind === "address" ? row.email : row.kind === "contact" ? row.attributes.email : null;
      return typeof email === "string" ? email : [];
    });
    const keysCreated = await watch.around(tx, environment, { userIds, emails }, () => write(tx, environment, kept));
    return { erased: [...erased], keysCreated };
  };

  /** Tells whether attribute keys were made. */
  async function write(tx: Transaction, environment: EnvironmentConfiguration, kept: readonly JobRow[]): Promise<boolean> {
    let keysCreated = false;

    const liveCompanies = kept.flatMap((row) => (row.kind === "company" && row.at === undefined ? toCompany(row.company) : []));
    const pastCompanies = kept.flatMap((row) =>
      row.kind === "company" && row.at !== undefined ? { ...toCompany(row.company), at: row.at } : [],
    );
    await companies.identifyWithin(tx, environment.id, liveCompanies);
    await companies.mergeHistory(tx, environment.id, pastCompanies);

    const live = kept.flatMap((row): BulkContact[] => (row.kind === "contact" && row.at === undefined ? [toContact(row)] : []));
    if (live.length > 0) {
      const outcome = await contacts.identifyMany(tx, environment, live, VERBATIM_RULES);
      ({ keysCreated } = outcome);
      outcome.notes.forEach(typeConflicts.note);
    }

    const addresses = kept.flatMap((row) =>
      row.kind === "address" ? { email: row.email, attributes: new Map(Object.entries(row.attributes)) } : [],
    );
    if (addresses.length > 0) {
      const outcome = await contacts.identifyManyByEmail(tx, environment, addresses, VERBATIM_RULES);
      keysCreated ||= outcome.keysCreated;
    }

    const past = kept.flatMap(toHistory);
    if (past.length > 0) {
      const outcome = await contacts.mergeHistory(tx, environment, past, VERBATIM_RULES);
      keysCreated ||= outcome.keysCreated;
      outcome.notes.forEach(typeConflicts.note);
    }
    const named = kept.flatMap((row) => (row.kind === "contact" && typeof row.attributes.name === "string" ? row.userId : []));
    if (named.length > 0) await contacts.fillNames(environment.id, named, tx);
    await events.recordMany(tx, environment.id, kept.flatMap(toEvent));
    return keysCreated;
  }

  /** History that is older than its person's erasure. */
  async function findErased(tx: Transaction, environmentId: string, rows: readonly JobRow[]): Promise<Set<number>> {
    const hashes = rows.map((row) =>
      row.kind === "company" || row.kind === "address" || row.at === undefined
        ? []
        : suppression.hashes(environmentId, { kind: "userId", value: row.userId }),
    );
    const wanted = hashes.flat();
    if (wanted.length === 0) return new Set();
    const found = await tx.query<{ hash: string; erasedAt: Date }>(
      `select hash, "erasedAt" from suppressions where "environmentId" = $1 and hash = any($2::text[])`,
      [environmentId, wanted],
    );
    const erasedAt = new Map(found.map((row) => [row.hash, row.erasedAt.getTime()]));
    const lastErasure = (at: number) => Math.max(-1, ...(hashes[at] ?? []).map((hash) => erasedAt.get(hash) ?? -1));
    const isErased = (row: JobRow, at: number) => row.kind !== "address" && (row.at ?? 0) <= lastErasure(at);
    return new Set(rows.flatMap((row, at) => (isErased(row, at) ? at : [])));
  }
}

const toCompany = ({ companyId, attributes }: CompanyPart): CompanyInput => ({
  companyId,
  attributes: new Map(Object.entries(attributes)),
});

const toContact = ({ userId, attributes, company }: Extract<JobRow, { kind: "contact" }>): BulkContact => ({
  userId,
  attributes: new Map(Object.entries(attributes)),
  ...(company && { company: toCompany(company) }),
});

/** An event makes its person known, too. */
function toHistory(row: JobRow): HistoricContact[] {
  if (row.kind === "company" || row.kind === "address" || row.at === undefined) return [];
  const company = row.company && { company: toCompany(row.company) };
  if (row.kind === "event") return [{ userId: row.userId, attributes: new Map(), ...company, at: row.at }];
  return [{ ...toContact(row), at: row.at, firstSeenAt: row.firstSeenAt, lastSeenAt: row.lastSeenAt }];
}

function toEvent(row: JobRow): (EventInput & { source: string })[] {
  if (row.kind !== "event") return [];
  const { userId, name, at, properties, source, instant } = row;
  return [{ userId, name, occurredAt: at, properties, source, sameAs: { instant } }];
}
