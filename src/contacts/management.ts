import { RESERVED_KEYS, reservedKeysIssue, SAFE_KEY } from "../attribute-keys/service.ts";
import { notifyChange } from "../db/change-feed.ts";
import type { Database, Transaction } from "../db/database.ts";
import { isUniqueViolation } from "../db/errors.ts";
import { type ListPage, queryParts } from "../db/list.ts";
import { readableEnvironments } from "../db/owned-row.ts";
import type { Page } from "../db/page.ts";
import type { ListReader } from "../db/read-replica.ts";
import type { EnvironmentService } from "../environments/service.ts";
import type { ErasureService } from "../erasures/service.ts";
import type { AttributeDataType, AttributeValue } from "../shared/attributes.ts";
import { type PermissionLevel, type Principal, requireEnvironment } from "../shared/principal.ts";
import { conflict, notFound, Problem, refused, unavailable } from "../shared/problem.ts";
import { findContact } from "./aliases.ts";
import { parseAttributeText } from "./attribute-text.ts";
import {
  type ContactPlan,
  type KeyPlan,
  type KnownKey,
  planContacts,
  planKeys,
  type StoredContact,
  type UploadedContact,
  uploadedText,
} from "./bulk-plan.ts";
import type { ContactWatch } from "./contact-watch.ts";
import { isOfNobodyElse } from "./identify-statement.ts";

export type { UploadedContact } from "./bulk-plan.ts";

export type ContactManagement = ReturnType<typeof createContactManagement>;

export interface Contact extends StoredContact {
  environmentId: string;
  createdAt: Date;
  updatedAt: Date;
}

/** Texts by key, `userId` and `email` among them. */
export interface ContactInput {
  environmentId: string;
  attributes: Readonly<Record<string, string>>;
}

/** What an upload left out because another contact holds the userId; `index` is the place in the upload. */
export interface UploadOutcome {
  skipped: ContactPlan["skipped"];
}

const COLUMNS = `t.id, t."environmentId", t."createdAt", t."updatedAt", t."userId", t.email, t.attributes`;

/** How often an upload is repeated when somebody makes the same contacts meanwhile. */
const MAX_TRIES = 4;

/** Contacts as those see and change them who administer an environment. Source: management-api-v2 §5.8. */
export function createContactManagement({
  db,
  lists,
  environments,
  watch,
  newId,
  now,
  maxAttributeKeys,
  eraseContact,
}: {
  db: Database;
  lists: ListReader;
  environments: EnvironmentService;
  watch: ContactWatch;
  newId: () => string;
  now: () => number;
  maxAttributeKeys: number;
  eraseContact: ErasureService["eraseContact"];
}) {
  return { read, get, create, upload, remove };

  /** Of all environments that the caller may read, a part at a time, however many are asked for. */
  function read(caller: Principal, page: Omit<ListPage<Page["sortBy"]>, "cursor">): AsyncGenerator<Contact[], void, void> {
    const source = { table: "contacts", columns: COLUMNS, environmentIds: readableEnvironments(caller, undefined) };
    return queryParts(lists, { ...source, conditions: [], values: [] }, page);
  }

  /** By its id, or that of a contact that was merged into it. Throws `not_found` (contact), `forbidden`. */
  function get(caller: Principal, id: string): Promise<Contact> {
    return find(db, caller, id, "read");
  }

  /**
   * With its displays, responses, events and files, and with what waits to be told or written of it: webhooks are told of
   * the deletion alone, as of an erasure. By its id, or that of a contact that was merged into it. Throws `not_found` (contact), `forbidden`.
   */
  async function remove(caller: Principal, id: string): Promise<Contact> {
    const contact = await find(db, caller, id, "manage");
    const isErased = await db.transaction((tx) => eraseContact(tx, contact.environmentId, contact.id));
    if (!isErased) throw notFound("contact", id); // by another call, a moment ago
    return contact;
  }

  /**
   * Makes a contact. A value that does not fit its key stays text, as it does in an import. Throws `forbidden`;
   * `conflict` (`email`, `userId`) when another contact of the environment has it; `malformed` (`attributes`) for keys
   * that the environment lacks.
   */
  async function create(
    caller: Principal,
    { environmentId, attributes: { email, userId, ...texts } }: ContactInput,
  ): Promise<{ id: string; createdAt: Date; environmentId: string }> {
    requireEnvironment(caller, environmentId, "write");
    const contact = { id: newId(), createdAt: new Date(now()), environmentId };
    await requireFree(environmentId, "email", email);
    await requireFree(environmentId, "userId", userId);
    const attributes = typeAttributes(texts, await loadKeys(db, environmentId));
    const environment = await environments.configuration(environmentId);
    const touched = { ids: [contact.id], userIds: userId ? [userId] : [], emails: email ? [email] : [] };
    const values = [environmentId, contact.id, contact.createdAt, userId || null, email || null, JSON.stringify(attributes)];
    try {
      const rows = await db.transaction((tx) => watch.around(tx, environment, touched, () => tx.query(CREATE, values)));
      if (rows.length === 0) throw taken("userId"); // merged a moment ago
    } catch (error) {
      for (const field of ["email", "userId"]) if (isUniqueViolation(error, field)) throw taken(field);
      throw error;
    }
    return contact;
  }

  async function requireFree(environmentId: string, field: "email" | "userId", value: string | undefined): Promise<void> {
    if (!value) return;
    const merged =
      field === "userId" ? `union all select 1 from contact_aliases where "environmentId" = $1 and "userId" = $2` : "";
    const holders = await db.query(`select 1 from contacts where "environmentId" = $1 and "${field}" = $2 ${merged}`, [
      environmentId,
      value,
    ]);
    if (holders.length > 0) throw taken(field);
  }

  /**
   * Makes or changes contacts, found by their addresses, and makes the keys that are missing; all or nothing but for
   * what is skipped. Throws `forbidden`; `malformed` (`attributes`) for keys that are unsafe, reserved or too many, and
   * for values that do not fit theirs.
   */
  async function upload(
    caller: Principal,
    { environmentId, contacts }: { environmentId: string; contacts: readonly UploadedContact[] },
  ): Promise<UploadOutcome> {
    requireEnvironment(caller, environmentId, "write");
    const environment = await environments.configuration(environmentId);
    const touched = { emails: textsOf(contacts, "email"), userIds: textsOf(contacts, "userId") };
    for (let tries = 1; tries <= MAX_TRIES; tries++) {
      try {
        const { skipped, changesKeys } = await db.transaction((tx) =>
          watch.around(tx, environment, touched, () => uploadOnce(tx, environmentId, contacts)),
        );
        if (changesKeys) environments.forget(environmentId);
        return { skipped };
      } catch (error) {
        // Somebody made one of the contacts a moment ago: it is found at the next look.
        if (!isUniqueViolation(error, "contacts")) throw error;
      }
    }
    throw unavailable("The contacts are being made by too many calls at once", 1);
  }

  async function uploadOnce(tx: Transaction, environmentId: string, contacts: readonly UploadedContact[]) {
    // As identify does: whoever makes keys waits here, so that the limit holds.
    await tx.query(`select 1 from environments where id = $1 for no key update`, [environmentId]);
    const known = await loadKeys(tx, environmentId);
    const keyPlan = planKeys(contacts, known);
    checkKeys(keyPlan, known.length);
    const stored = await tx.query<StoredContact>(
      `select ${COLUMNS} from contacts t where t."environmentId" = $1 and (t.email = any($2::text[]) or t."userId" = any($3::text[]))
       order by t."userId", t.id for no key update`,
      [environmentId, textsOf(contacts, "email"), textsOf(contacts, "userId")],
    );
    const former = await tx.query<{ userId: string; contactId: string }>(
      `select "userId", "contactId" from contact_aliases where "environmentId" = $1 and "userId" = any($2::text[])`,
      [environmentId, textsOf(contacts, "userId")],
    );
    const formerUserIds = new Map(former.map(({ userId, contactId }) => [userId, contactId]));
    const plan = planContacts(contacts, stored, keyPlan.dataTypes, formerUserIds);
    await writeKeys(tx, environmentId, keyPlan);
    await writeContacts(tx, environmentId, plan);
    const changesKeys = keyPlan.created.length + keyPlan.renamed.length > 0;
    if (changesKeys) await notifyChange(tx, "environment", environmentId);
    return { skipped: plan.skipped, changesKeys };
  }

  function checkKeys({ created, issues }: KeyPlan, knownCount: number): void {
    const names = created.map(({ key }) => key);
    const unsafe = names.filter((key) => !SAFE_KEY.test(key) || key.length > 255);
    if (unsafe.length > 0)
      throw refused(
        "attributes",
        `Invalid attribute key(s): ${unsafe.join(", ")}. Keys must only contain lowercase letters, numbers, and underscores, and must start with a letter.`,
      );
    const reserved = names.filter((key) => RESERVED_KEYS.includes(key));
    if (reserved.length > 0) throw refused("attributes", reservedKeysIssue(reserved));
    if (issues.length > 0) throw new Problem("malformed", "Values do not fit their keys", { issues });
    if (names.length > 0 && knownCount + names.length > maxAttributeKeys)
      throw refused("attributes", `the limit of ${maxAttributeKeys} contact attribute keys is reached`);
  }

  async function writeKeys(tx: Transaction, environmentId: string, { created, renamed }: KeyPlan): Promise<void> {
    const at = new Date(now());
    if (created.length > 0)
      await tx.query(
        `insert into contact_attribute_keys ("environmentId", id, "createdAt", "updatedAt", key, name, type, "dataType")
         select $1, k.id, $2, $2, k.key, k.name, 'custom', k."dataType"::attribute_data_type
         from unnest($3::text[], $4::text[], $5::text[], $6::text[]) as k(id, key, name, "dataType")`,
        [
          environmentId,
          at,
          created.map(() => newId()),
          created.map(({ key }) => key),
          created.map(({ name }) => name),
          created.map(({ dataType }) => dataType),
        ],
      );
    if (renamed.length > 0)
      await tx.query(
        `update contact_attribute_keys t set name = k.name, "updatedAt" = $2
         from unnest($3::text[], $4::text[]) as k(key, name) where t."environmentId" = $1 and t.key = k.key`,
        [environmentId, at, renamed.map(({ key }) => key), renamed.map(({ name }) => name)],
      );
  }

  async function writeContacts(tx: Transaction, environmentId: string, { created, changed }: ContactPlan): Promise<void> {
    const at = new Date(now());
    if (created.length > 0)
      await tx.query(
        `insert into contacts ("environmentId", id, "createdAt", "updatedAt", "firstSeenAt", "lastSeenAt", "userId", email, attributes)
         select $1, c.id, $2, $2, $2, $2, c."userId", c.email, c.attributes
         from unnest($3::text[], $4::text[], $5::text[], $6::jsonb[]) as c(id, "userId", email, attributes)`,
        [
          environmentId,
          at,
          created.map(() => newId()),
          created.map(({ userId }) => userId),
          created.map(({ email }) => email),
          created.map(({ attributes }) => JSON.stringify(attributes)),
        ],
      );
    if (changed.length > 0)
      await tx.query(
        `update contacts t set "userId" = coalesce(c."userId", t."userId"), attributes = t.attributes || c.patch, "updatedAt" = $2
         from unnest($3::text[], $4::text[], $5::jsonb[]) as c(id, "userId", patch) where t."environmentId" = $1 and t.id = c.id`,
        [
          environmentId,
          at,
          changed.map(({ id }) => id),
          changed.map(({ userId }) => userId),
          changed.map(({ patch }) => JSON.stringify(patch)),
        ],
      );
  }
}

const CREATE = `
  insert into contacts ("environmentId", id, "createdAt", "updatedAt", "firstSeenAt", "lastSeenAt", "userId", email, attributes)
  select $1::text, $2::text, $3::timestamptz, $3, $3, $3, i."userId", $5::text, $6::jsonb from (values ($4::text)) as i("userId")
  where ${isOfNobodyElse("$1")} returning id`;

const find = (db: Pick<Transaction, "query">, caller: Principal, id: string, level: PermissionLevel): Promise<Contact> =>
  findContact(db, caller, { columns: COLUMNS, id, level });

const loadKeys = (db: Pick<Transaction, "query">, environmentId: string): Promise<KnownKey[]> =>
  db.query<KnownKey>(`select key, name, type, "dataType" from contact_attribute_keys where "environmentId" = $1`, [
    environmentId,
  ]);

function typeAttributes(texts: Readonly<Record<string, string>>, known: readonly KnownKey[]): Record<string, AttributeValue> {
  const dataTypes = new Map<string, AttributeDataType>(known.map(({ key, dataType }) => [key, dataType]));
  const unknown = Object.keys(texts).filter((key) => !dataTypes.has(key));
  if (unknown.length > 0) throw refused("attributes", `attribute keys not found: ${unknown.join(", ")}. `);
  return Object.fromEntries(
    Object.entries(texts).map(([key, text]) => [key, parseAttributeText(text, dataTypes.get(key) ?? "string") ?? text]),
  );
}

const textsOf = (contacts: readonly UploadedContact[], key: string): string[] =>
  contacts.map((contact) => uploadedText(contact, key)).filter((text) => text !== undefined);

const taken = (field: string) => conflict(field, `contact with this ${field} already exists`);
