import { notifyChange } from "../db/change-feed.ts";
import type { Database, Transaction } from "../db/database.ts";
import { findOwnedRow, readableEnvironments } from "../db/owned-row.ts";
import { type Page, queryPage } from "../db/page.ts";
import { nameOfAttributeKey } from "../shared/attribute-key-name.ts";
import type { AttributeDataType } from "../shared/attributes.ts";
import { type PermissionLevel, type Principal, requireEnvironment } from "../shared/principal.ts";
import { conflict, refused } from "../shared/problem.ts";

export type AttributeKeyService = ReturnType<typeof createAttributeKeyService>;

export interface AttributeKey {
  id: string;
  createdAt: Date;
  updatedAt: Date;
  isUnique: boolean;
  key: string;
  name: string | null;
  description: string | null;
  /** `default` keys are there from the beginning and stay as they are. */
  type: "default" | "custom";
  dataType: AttributeDataType;
  environmentId: string;
}

export interface AttributeKeyInput {
  environmentId: string;
  key: string;
  /** Null: made from the key. */
  name: string | null;
  description: string | null;
  dataType?: AttributeDataType | undefined;
}

export interface AttributeKeyChange {
  name: string | null;
  description: string | null;
}

/** What is absent stays. */
export interface AttributeKeyAmendment {
  key?: string | undefined;
  name?: string | undefined;
  description?: string | undefined;
  dataType?: AttributeDataType | undefined;
}

/** How a key that is made by a management API must look. */
export const SAFE_KEY = /^[a-z][a-z0-9_]*$/;

/** The default keys' names in the spelling that {@link SAFE_KEY} asks for: kept free for them. */
export const RESERVED_KEYS: readonly string[] = ["user_id", "first_name", "last_name"];

/** Why a key of {@link RESERVED_KEYS} is refused, in the contract's words. */
export const reservedKeysIssue = (keys: readonly string[]): string =>
  `Reserved attribute key(s): ${keys.join(", ")}. These keys are reserved for the v5.1 safe-identifier default attribute migration and cannot be created as custom attributes.`;

const COLUMNS = `
  t.id, t."createdAt", t."updatedAt", t."isUnique", t.key, t.name, t.description, t.type, t."dataType", t."environmentId"`;

/** Attribute keys: the names by which an environment's contacts may be described. Source: management-api-v2 §5.10. */
export function createAttributeKeyService({
  db,
  newId,
  now,
  maxAttributeKeys,
  forgetEnvironment,
}: {
  db: Database;
  newId: () => string;
  now: () => number;
  maxAttributeKeys: number;
  /** Drops what this process has cached of the environment. */
  forgetEnvironment: (environmentId: string) => void;
}) {
  return { list, get, create, update, amend, remove, maxAttributeKeys };

  /** Of one environment, or of all that the caller may read. Throws `forbidden`. */
  async function list(
    caller: Principal,
    { environmentId, ...page }: Page & { environmentId?: string | undefined },
  ): Promise<{ rows: AttributeKey[]; total: number }> {
    const from = `from contact_attribute_keys t where t."environmentId" = any($1)`;
    return await queryPage(db, { columns: COLUMNS, from, values: [readableEnvironments(caller, environmentId)] }, page);
  }

  /** Throws `not_found` (contactAttributeKey); `forbidden` unless the caller holds `level` on its environment. */
  function get(caller: Principal, id: string, level: PermissionLevel = "read"): Promise<AttributeKey> {
    return find(db, caller, id, level);
  }

  /**
   * Makes a custom key. Throws `forbidden`; `conflict` (`contactAttributeKey`) when the environment has the key;
   * `malformed` (`contactAttributeKey`) when it has as many keys as it may.
   */
  async function create(
    caller: Principal,
    { environmentId, key, name, description, dataType = "string" }: AttributeKeyInput,
  ): Promise<AttributeKey> {
    requireEnvironment(caller, environmentId, "write");
    return await change(environmentId, async (tx) => {
      const [found] = await tx.query<{ count: number; exists: boolean }>(
        `select count(*)::int as count, coalesce(bool_or(key = $2), false) as exists
         from contact_attribute_keys where "environmentId" = $1`,
        [environmentId, key],
      );
      if (found?.exists) throw conflict("contactAttributeKey", `Contact attribute key with "${key}" already exists`);
      if ((found?.count ?? 0) >= maxAttributeKeys)
        throw refused("contactAttributeKey", `the limit of ${maxAttributeKeys} contact attribute keys is reached`);
      const id = newId();
      await tx.query(
        `insert into contact_attribute_keys
           ("environmentId", id, "createdAt", "updatedAt", key, name, description, type, "dataType")
         values ($1, $2, $3, $3, $4, $5, $6, 'custom', $7)`,
        [environmentId, id, new Date(now()), key, name ?? nameOfAttributeKey(key), description, dataType],
      );
      return find(tx, caller, id, "read");
    });
  }

  /**
   * Throws `not_found` (contactAttributeKey), `forbidden`; `malformed` (`contactAttributeKey`) for a default key and
   * for a unique one.
   */
  async function update(caller: Principal, id: string, { name, description }: AttributeKeyChange): Promise<AttributeKey> {
    const { environmentId } = await find(db, caller, id, "read");
    return await change(environmentId, async (tx) => {
      const { type, isUnique } = await find(tx, caller, id, "write");
      if (type === "default") throw refused("contactAttributeKey", "cannot update default contact attribute key");
      if (isUnique) throw refused("contactAttributeKey", "cannot update unique contact attribute key");
      await tx.query(
        `update contact_attribute_keys set name = $3, description = $4, "updatedAt" = $5 where "environmentId" = $1 and id = $2`,
        [environmentId, id, name, description, new Date(now())],
      );
      return find(tx, caller, id, "read");
    });
  }

  /**
   * Changes what is given. Throws `not_found` (contactAttributeKey), `forbidden`; `conflict` (`contactAttributeKey`) when
   * the environment has the new key; `malformed` (`contactAttributeKey`) when key or type of a default key are to change,
   * or of one that contacts have values of.
   */
  async function amend(caller: Principal, id: string, amendment: AttributeKeyAmendment): Promise<AttributeKey> {
    const { environmentId } = await find(db, caller, id, "read");
    return await change(environmentId, async (tx) => {
      const stored = await find(tx, caller, id, "write");
      const { key = stored.key, name = stored.name, description = stored.description, dataType = stored.dataType } = amendment;
      if (key !== stored.key || dataType !== stored.dataType) await requireUnused(tx, stored);
      if (key !== stored.key) await requireFree(tx, environmentId, key);
      await tx.query(
        `update contact_attribute_keys set key = $3, name = $4, description = $5, "dataType" = $6, "updatedAt" = $7
         where "environmentId" = $1 and id = $2`,
        [environmentId, id, key, name, description, dataType, new Date(now())],
      );
      return find(tx, caller, id, "read");
    });
  }

  /** With every contact's value. Throws as {@link update}. */
  async function remove(caller: Principal, id: string): Promise<AttributeKey> {
    const { environmentId } = await find(db, caller, id, "read");
    return await change(environmentId, async (tx) => {
      const attributeKey = await find(tx, caller, id, "manage");
      const { key, type, isUnique } = attributeKey;
      if (type === "default") throw refused("contactAttributeKey", "cannot delete default contact attribute key");
      if (isUnique) throw refused("contactAttributeKey", "cannot delete unique contactAttributeKey");
      await tx.query(`delete from contact_attribute_keys where "environmentId" = $1 and id = $2`, [environmentId, id]);
      await tx.query(
        `update contacts set attributes = attributes - $2::text, "updatedAt" = $3 where "environmentId" = $1 and attributes ? $2::text`,
        [environmentId, key, new Date(now())],
      );
      return attributeKey;
    });
  }

  /** A change of the environment's keys; they go one after another, as those of identify do. Whoever caches them is told. */
  async function change<Result>(environmentId: string, work: (tx: Transaction) => Promise<Result>): Promise<Result> {
    const result = await db.transaction(async (tx) => {
      await tx.query(`select 1 from environments where id = $1 for no key update`, [environmentId]);
      const done = await work(tx);
      await notifyChange(tx, "environment", environmentId);
      return done;
    });
    forgetEnvironment(environmentId);
    return result;
  }
}

/** Values are kept under the key's name and in its type. */
async function requireUnused(tx: Transaction, { environmentId, key, type }: AttributeKey): Promise<void> {
  if (type === "default")
    throw refused("contactAttributeKey", "Key and data type of a default contact attribute key cannot be changed");
  const holders = await tx.query(`select 1 from contacts where "environmentId" = $1 and attributes ? $2::text limit 1`, [
    environmentId,
    key,
  ]);
  if (holders.length > 0)
    throw refused(
      "contactAttributeKey",
      "Key and data type of a contact attribute key cannot be changed while contacts have values of it",
    );
}

async function requireFree(tx: Transaction, environmentId: string, key: string): Promise<void> {
  const found = await tx.query(`select 1 from contact_attribute_keys where "environmentId" = $1 and key = $2`, [
    environmentId,
    key,
  ]);
  if (found.length > 0) throw conflict("contactAttributeKey", `Contact attribute key with "${key}" already exists`);
}

const find = (db: Pick<Transaction, "query">, caller: Principal, id: string, level: PermissionLevel): Promise<AttributeKey> =>
  findOwnedRow(db, caller, {
    columns: COLUMNS,
    table: "contact_attribute_keys",
    id,
    resource: "contactAttributeKey",
    level,
  });
