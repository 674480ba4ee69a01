/**
 * Attributes as rows of their own, which they are in a contract that stores them so: here they are part of their contact.
 * Source: management-api-v1 §6.
 */
import { createHash } from "node:crypto";
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

interface StoredAttribute {
  environmentId: string;
  contactId: string;
  createdAt: Date;
  updatedAt: Date;
  attributeKeyId: string;
  dataType: AttributeDataType;
  value: string;
}

const LIST = {
  name: "attribute_rows",
  text: `
    select t."environmentId", t.id as "contactId", t."createdAt", t."updatedAt", k.id as "attributeKeyId", k."dataType", a.value
    from contacts t
    cross join lateral jsonb_each_text(
      t.attributes || jsonb_strip_nulls(jsonb_build_object('userId', t."userId", 'email', t.email))) a
    join contact_attribute_keys k on k."environmentId" = t."environmentId" and k.key = a.key
    where t."environmentId" = any($1::text[]) and a.value is not null
    order by t."createdAt", t.id, k."createdAt", k.id limit $2::bigint offset $3::bigint`,
};

export function createAttributeRowService({ lists }: { lists: ListReader }) {
  return { list };

  /** Of all environments that the caller may read: the oldest contact's first, and those of a contact in their keys' order. */
  async function list(caller: Principal, { limit, skip }: { limit: number; skip: number }): Promise<AttributeRow[]> {
    const rows = await lists.query<StoredAttribute>(LIST, [[...caller.permissions.keys()], limit, skip]);
    return rows.map(({ environmentId, dataType, ...row }) => ({
      id: deriveId(environmentId, row.contactId, row.attributeKeyId),
      ...row,
      valueNumber: dataType === "number" ? finite(row.value) : null,
      valueDate: dataType === "date" ? validDate(row.value) : null,
    }));
  }
}

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
