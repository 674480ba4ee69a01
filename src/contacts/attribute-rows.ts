/**
 * Attributes as rows of their own, which they are in a contract that stores them so: here they are part of their contact.
 * Source: management-api-v1 §6.
 */
import { createHash } from "node:crypto";
import { PART_ROWS, queryParts } from "../db/list.ts";
import type { ListReader } from "../db/read-replica.ts";
import type { AttributeDataType } from "../shared/attributes.ts";
import type { Principal } from "../shared/principal.ts";

export type AttributeRowService = ReturnType<typeof createAttributeRowService>;

/** One attribute of one contact. */
export interface AttributeRow {
  /** The same at every look: derived from the contact and the key. */
  id: string;
  /** The contact's. */
  createdAt: Date;
  /** The contact's. */
  updatedAt: Date;
  attributeKeyId: string;
  contactId: string;
  value: string;
  /** Null unless the key is of type number, and the value is one. */
  valueNumber: number | null;
  /** Null unless the key is of type date, and the value is one. */
  valueDate: Date | null;
}

/** A contact and its attributes, in their keys' order. */
interface AttributedContact {
  id: string;
  environmentId: string;
  createdAt: Date;
  updatedAt: Date;
  values: { attributeKeyId: string; dataType: AttributeDataType; value: string }[];
}

const COLUMNS = `
  t.id, t."environmentId", t."createdAt", t."updatedAt",
  (select coalesce(jsonb_agg(jsonb_build_object('attributeKeyId', k.id, 'dataType', k."dataType", 'value', a.value)
      order by k."createdAt", k.id), '[]')
    from jsonb_each_text(t.attributes || jsonb_strip_nulls(jsonb_build_object('userId', t."userId", 'email', t.email))) a
    join contact_attribute_keys k on k."environmentId" = t."environmentId" and k.key = a.key
    where a.value is not null) as values`;

export function createAttributeRowService({ lists }: { lists: ListReader }) {
  return { read };

  /**
   * Of all environments that the caller may read, a part at a time: the oldest contact's first, and those of a contact in
   * their keys' order. What is skipped is looked at all the same.
   */
  async function* read(
    caller: Principal,
    { limit, skip }: { limit: number; skip: number },
  ): AsyncGenerator<AttributeRow[], void, void> {
    if (limit === 0) return;
    const source = {
      table: "contacts",
      columns: COLUMNS,
      environmentIds: [...caller.permissions.keys()],
      conditions: [],
      values: [],
    };
    const all = { limit: Number.MAX_SAFE_INTEGER, skip: 0, sortBy: "createdAt", order: "asc" } as const;
    const partRows = Math.min(PART_ROWS, skip + limit); // nearly every contact has one at least
    let [passed, sent] = [0, 0];
    for await (const contacts of queryParts<"createdAt", AttributedContact>(lists, source, all, partRows)) {
      const found = contacts.flatMap(rowsOf);
      const rows = found.slice(Math.max(0, skip - passed)).slice(0, limit - sent);
      if (rows.length > 0) yield rows;
      passed += found.length;
      sent += rows.length;
      if (sent >= limit) return;
    }
  }
}

const rowsOf = ({ id: contactId, environmentId, createdAt, updatedAt, values }: AttributedContact): AttributeRow[] =>
  values.map(({ attributeKeyId, dataType, value }) => ({
    id: deriveId(environmentId, contactId, attributeKeyId),
    createdAt,
    updatedAt,
    attributeKeyId,
    contactId,
    value,
    valueNumber: dataType === "number" ? finite(value) : null,
    valueDate: dataType === "date" ? validDate(value) : null,
  }));

/** In the form of an id, and as good as unique: 96 bits of a hash. */
const deriveId = (...parts: string[]): string => `c${createHash("sha256").update(parts.join(" ")).digest("hex").slice(0, 24)}`;

/** What does not fit its key, which an import may have brought, is only text. */
function finite(text: string): number | null {
  const number = Number(text);
  return text.trim() === "" || !Number.isFinite(number) ? null : number;
}

function validDate(text: string): Date | null {
  const date = new Date(text);
  return Number.isNaN(date.getTime()) ? null : date;
}
