import type { Database, Transaction } from "../db/database.ts";
import { isUniqueViolation } from "../db/errors.ts";
import { findOwnedRow, readableEnvironments } from "../db/owned-row.ts";
import { type Page, queryPage } from "../db/page.ts";
import { type PermissionLevel, type Principal, requireEnvironment } from "../shared/principal.ts";
import { conflict, invalidField, notFound } from "../shared/problem.ts";

export type TagService = ReturnType<typeof createTagService>;

/** A word that those who read responses put on them. */
export interface Tag {
  environmentId: string;
  id: string;
  createdAt: Date;
  updatedAt: Date;
  /** Unique in the environment. */
  name: string;
}

const COLUMNS = `t.id, t."environmentId", t."createdAt", t."updatedAt", t.name`;

/**
 * Tags of environments and of their responses. Nothing is told to webhooks, and a response's `updatedAt` stays: it is the
 * response's own. Source: management-api-v1 §16; webhooks §2.
 */
export function createTagService({ db, newId, now }: { db: Database; newId: () => string; now: () => number }) {
  return { list, get, create, rename, merge, remove, listOfResponse, addToResponse, removeFromResponse };

  /** Of one environment, or of all that the caller may read. Throws `forbidden`. */
  async function list(
    caller: Principal,
    { environmentId, ...page }: Page & { environmentId?: string | undefined },
  ): Promise<{ rows: Tag[]; total: number }> {
    const values = [readableEnvironments(caller, environmentId)];
    return await queryPage(db, { columns: COLUMNS, from: `from tags t where t."environmentId" = any($1)`, values }, page);
  }

  /** Throws `not_found` (tag), `forbidden`. */
  function get(caller: Principal, id: string): Promise<Tag> {
    return find(db, caller, id, "read");
  }

  /** Throws `forbidden`; `conflict` (`name`) when the environment has the name already. */
  async function create(caller: Principal, { environmentId, name }: Pick<Tag, "environmentId" | "name">): Promise<Tag> {
    requireEnvironment(caller, environmentId, "write");
    const id = newId();
    return await named(async (tx) => {
      await tx.query(`insert into tags ("environmentId", id, "createdAt", "updatedAt", name) values ($1, $2, $3, $3, $4)`, [
        environmentId,
        id,
        new Date(now()),
        name,
      ]);
      return load(tx, environmentId, id);
    });
  }

  /** As {@link create}; also throws `not_found` (tag). */
  async function rename(caller: Principal, id: string, name: string): Promise<Tag> {
    const { environmentId } = await find(db, caller, id, "write");
    return await named(async (tx) => {
      await tx.query(`update tags set name = $3, "updatedAt" = $4 where "environmentId" = $1 and id = $2`, [
        environmentId,
        id,
        name,
        new Date(now()),
      ]);
      return load(tx, environmentId, id);
    });
  }

  /**
   * Makes `from`, of the same environment, a part of the tag: its responses have the tag from then on, and `from` is no
   * more. Throws `not_found` (tag), `forbidden`; `invalid` (`from`) for the tag itself.
   */
  async function merge(caller: Principal, id: string, from: string): Promise<Tag> {
    const { environmentId } = await find(db, caller, id, "write");
    if (from === id) throw invalidField("from", "A tag cannot be merged with itself");
    return await db.transaction(async (tx) => {
      // In the order of their ids, so that two merges of the same two cannot wait for each other.
      await tx.query(`select 1 from tags where "environmentId" = $1 and id = any($2::text[]) order by id for update`, [
        environmentId,
        [id, from],
      ]);
      await load(tx, environmentId, id);
      await load(tx, environmentId, from);
      await tx.query(
        `insert into response_tags ("environmentId", "responseId", "tagId")
         select "environmentId", "responseId", $2 from response_tags where "environmentId" = $1 and "tagId" = $3
         on conflict do nothing`,
        [environmentId, id, from],
      );
      await tx.query(`delete from tags where "environmentId" = $1 and id = $2`, [environmentId, from]);
      await tx.query(`update tags set "updatedAt" = $3 where "environmentId" = $1 and id = $2`, [
        environmentId,
        id,
        new Date(now()),
      ]);
      return load(tx, environmentId, id);
    });
  }

  /** Deletes it, and no response has it any more. Returns what it was. Throws `not_found` (tag), `forbidden`. */
  async function remove(caller: Principal, id: string): Promise<Tag> {
    const { environmentId } = await find(db, caller, id, "manage");
    const [tag] = await db.query<Tag>(`delete from tags t where t."environmentId" = $1 and t.id = $2 returning ${COLUMNS}`, [
      environmentId,
      id,
    ]);
    if (!tag) throw notFound("tag", id);
    return tag;
  }

  /** By name. Throws `not_found` (response), `forbidden`. */
  async function listOfResponse(caller: Principal, responseId: string): Promise<Tag[]> {
    const environmentId = await environmentOfResponse(caller, responseId, "read");
    return await loadOfResponse(db, environmentId, responseId);
  }

  /** Returns all tags of the response; one that it has already stays. Throws `not_found` (response, tag), `forbidden`. */
  async function addToResponse(caller: Principal, responseId: string, tagId: string): Promise<Tag[]> {
    const environmentId = await environmentOfResponse(caller, responseId, "write");
    return await db.transaction(async (tx) => {
      await keep(tx, "responses", "response", environmentId, responseId);
      await keep(tx, "tags", "tag", environmentId, tagId);
      await tx.query(
        `insert into response_tags ("environmentId", "responseId", "tagId") values ($1, $2, $3) on conflict do nothing`,
        [environmentId, responseId, tagId],
      );
      return loadOfResponse(tx, environmentId, responseId);
    });
  }

  /** Returns the tags that are left. Throws `not_found` (response; tag: also one that it has not), `forbidden`. */
  async function removeFromResponse(caller: Principal, responseId: string, tagId: string): Promise<Tag[]> {
    const environmentId = await environmentOfResponse(caller, responseId, "write");
    return await db.transaction(async (tx) => {
      const removed = await tx.query(
        `delete from response_tags where "environmentId" = $1 and "responseId" = $2 and "tagId" = $3 returning "tagId"`,
        [environmentId, responseId, tagId],
      );
      if (removed.length === 0) throw notFound("tag", tagId);
      return loadOfResponse(tx, environmentId, responseId);
    });
  }

  async function environmentOfResponse(caller: Principal, id: string, level: PermissionLevel): Promise<string> {
    const columns = `t."environmentId"`;
    const query = { columns, table: "responses", id, resource: "response", level };
    return (await findOwnedRow<{ environmentId: string }>(db, caller, query)).environmentId;
  }

  async function named(work: (tx: Transaction) => Promise<Tag>): Promise<Tag> {
    try {
      return await db.transaction(work);
    } catch (error) {
      if (isUniqueViolation(error, "name")) throw conflict("name", "A tag with this name already exists");
      throw error;
    }
  }
}

type Queries = Pick<Transaction, "query">;

const find = (db: Queries, caller: Principal, id: string, level: PermissionLevel): Promise<Tag> =>
  findOwnedRow(db, caller, { columns: COLUMNS, table: "tags", id, resource: "tag", level });

async function load(tx: Transaction, environmentId: string, id: string): Promise<Tag> {
  const [tag] = await tx.query<Tag>(`select ${COLUMNS} from tags t where t."environmentId" = $1 and t.id = $2`, [
    environmentId,
    id,
  ]);
  if (!tag) throw notFound("tag", id);
  return tag;
}

const loadOfResponse = (db: Queries, environmentId: string, responseId: string): Promise<Tag[]> =>
  db.query<Tag>(
    `select ${COLUMNS} from response_tags rt join tags t on t."environmentId" = rt."environmentId" and t.id = rt."tagId"
     where rt."environmentId" = $1 and rt."responseId" = $2 order by t.name`,
    [environmentId, responseId],
  );

/** Keeps the row from being deleted until the transaction ends. Throws `not_found` (`noun`). */
async function keep(tx: Transaction, table: "responses" | "tags", noun: string, environmentId: string, id: string) {
  const rows = await tx.query(`select 1 from ${table} where "environmentId" = $1 and id = $2 for key share`, [environmentId, id]);
  if (rows.length === 0) throw notFound(noun, id);
}
