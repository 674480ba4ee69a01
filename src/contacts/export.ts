import { queryList } from "../db/list.ts";
import type { ListReader } from "../db/read-replica.ts";
import type { Principal } from "../shared/principal.ts";
import type { ContactDetails, ContactDirectory } from "./directory.ts";

export type ContactExporter = ReturnType<typeof createContactExporter>;

/** One thing that is stored about a person. `end` is the last record: without it the export was cut off. */
export type ExportRecord =
  | { type: "contact"; data: ContactDetails & { aliases: ExportedAlias[] } }
  | { type: "company"; data: NonNullable<ContactDetails["company"]> }
  | { type: "display"; data: { id: string; createdAt: Date; surveyId: string } }
  | { type: "response"; data: Record<string, unknown> }
  | { type: "file"; data: { url: string; responseId: string; elementId: string } }
  | { type: "event"; data: Record<string, unknown> }
  | { type: "end"; data: { displays: number; responses: number; files: number; events: number } };

/** Ids of a contact that was merged into this one. */
interface ExportedAlias {
  id: string;
  userId: string | null;
  mergedAt: Date;
}

/** One page of a contact's responses, oldest first, files under whole addresses. */
export type ResponseReader = (
  caller: Principal,
  page: typeof OLDEST_FIRST & {
    filterDateField: "createdAt";
    environmentId: string;
    contactId: string;
    cursor: string | undefined;
  },
) => Promise<{ rows: { id: string; data: Record<string, unknown> }[]; nextCursor: string | null }>;

/** Rows that are held in memory at a time. */
const PAGE = 200;

type ExportedRow = { id: string; environmentId: string; createdAt: Date };

/** All that is stored about one person, for that person. */
export function createContactExporter({
  lists,
  directory,
  listResponses,
}: {
  lists: ListReader;
  directory: ContactDirectory;
  listResponses: ResponseReader;
}) {
  return { exportContact };

  /**
   * Looks the contact up, and then reads what belongs to it page by page, as fast as it is taken. Throws `not_found`
   * (contact), `forbidden`.
   */
  async function exportContact(caller: Principal, id: string): Promise<AsyncGenerator<ExportRecord>> {
    return readAll(caller, await directory.get(caller, id));
  }

  async function* readAll(caller: Principal, contact: ContactDetails): AsyncGenerator<ExportRecord> {
    const counts = { displays: 0, responses: 0, files: 0, events: 0 };
    yield { type: "contact", data: { ...contact, aliases: await findAliases(contact) } };
    if (contact.company) yield { type: "company", data: contact.company };
    for await (const { environmentId: _, ...data } of readRows<ExportedRow & { surveyId: string }>(contact, DISPLAYS)) {
      counts.displays++;
      yield { type: "display", data };
    }
    for await (const data of readResponses(caller, contact)) {
      counts.responses++;
      yield { type: "response", data: { ...data } };
      for (const file of filesOf(data)) {
        counts.files++;
        yield { type: "file", data: file };
      }
    }
    for await (const { environmentId: _, ...data } of readRows<ExportedRow>(contact, EVENTS)) {
      counts.events++;
      yield { type: "event", data };
    }
    yield { type: "end", data: counts };
  }

  function findAliases({ environmentId, id }: ContactDetails): Promise<ExportedAlias[]> {
    return lists.query<ExportedAlias>(
      `select id, "userId", "createdAt" as "mergedAt" from contact_aliases
       where "environmentId" = $1 and "contactId" = $2 order by "createdAt", id`,
      [environmentId, id],
    );
  }

  /** Oldest first. */
  async function* readRows<Row extends ExportedRow>(
    { environmentId, id }: ContactDetails,
    table: { table: string; columns: string },
  ): AsyncGenerator<Row> {
    const source = { ...table, environmentIds: [environmentId], conditions: [`c."contactId" = $1::text`], values: [id] };
    yield* readPages((cursor) => queryList<"createdAt", Row>(lists, source, { ...OLDEST_FIRST, cursor }));
  }

  async function* readResponses(caller: Principal, { environmentId, id: contactId }: ContactDetails) {
    yield* readPages((cursor) =>
      listResponses(caller, { ...OLDEST_FIRST, filterDateField: "createdAt", environmentId, contactId, cursor }),
    );
  }
}

const OLDEST_FIRST = { limit: PAGE, skip: 0, sortBy: "createdAt", order: "asc" } as const;

const DISPLAYS = { table: "displays", columns: `t.id, t."environmentId", t."createdAt", t."surveyId"` };
const EVENTS = {
  table: "events",
  columns: `t.id, t."environmentId", t."createdAt", t."occurredAt", t.name, t.properties, t.source, t."companyId"`,
};

async function* readPages<Row>(
  read: (cursor: string | undefined) => Promise<{ rows: Row[]; nextCursor: string | null }>,
): AsyncGenerator<Row> {
  let cursor: string | undefined;
  do {
    const page = await read(cursor);
    yield* page.rows;
    cursor = page.nextCursor ?? undefined;
  } while (cursor !== undefined);
}

/** The addresses of the files that its answers name; they need a key to be read. */
function filesOf({ id, data }: { id: string; data: Record<string, unknown> }) {
  return Object.entries(data).flatMap(([elementId, value]) => {
    const urls: unknown[] = Array.isArray(value) ? value : [];
    return urls.flatMap((url) =>
      typeof url === "string" && url.includes("/storage/") ? [{ url, responseId: id, elementId }] : [],
    );
  });
}
