/**
 * Removes environments whose project was deleted, with all that is in them. They may hold millions of rows, so a project is
 * deleted by taking its environments out of it, at once and whoever deletes it; from then on nobody finds them, and a
 * task removes their rows in batches. See src/decisions/0057.
 */

import { BATCH_ROWS } from "../db/batches.ts";
import { inOrderOfReference, readTables } from "../db/catalogue.ts";
import { type Database, PLAN_FOR_BULK, type Transaction } from "../db/database.ts";
import { addTask, type TaskHandler } from "../db/job-queue.ts";
import { quoteName } from "../db/session.ts";

export type EnvironmentRemoval = ReturnType<typeof createEnvironmentRemoval>;

const TASK = "remove_environment";

/** @param batchRows how many rows one transaction removes */
export function createEnvironmentRemoval({
  db,
  isStopping,
  batchRows = BATCH_ROWS,
}: {
  db: Database;
  isStopping: () => boolean;
  batchRows?: number;
}) {
  const tasks: Record<string, TaskHandler> = { [TASK]: run };
  return { schedule, resume, tasks };

  /** Has environments removed once they have no project, in effect when `tx` is committed. */
  async function schedule(tx: Transaction, environmentIds: readonly string[]): Promise<void> {
    for (const environmentId of environmentIds)
      await addTask(tx, { name: TASK, payload: { environmentId }, key: `remove:${environmentId}` });
  }

  /** Schedules anew what is left, in case its task was lost, or the project was deleted by somebody else's hands. */
  async function resume(): Promise<void> {
    const rows = await db.query<{ id: string }>(`select id from environments where "projectId" is null`);
    if (rows.length > 0)
      await db.transaction((tx) =>
        schedule(
          tx,
          rows.map(({ id }) => id),
        ),
      );
  }

  /** Goes on where it was stopped; gives way when the process stops. */
  async function run({ environmentId = "" }: Record<string, string>): Promise<void> {
    const removed = await db.query(`select 1 from environments where id = $1 and "projectId" is null`, [environmentId]);
    if (removed.length === 0) return;
    const off = `update webhooks set "disabledAt" = now(), "dueAt" = null where "environmentId" = $1 and "disabledAt" is null`;
    await db.query(off, [environmentId]);
    for (const table of await tablesBelow()) {
      let after: string[] | null = [];
      while (after !== null) {
        if (isStopping()) return await db.transaction((tx) => schedule(tx, [environmentId]));
        after = await removeSome(table, environmentId, after);
      }
    }
    // With what calls that were under way have written meanwhile.
    await db.query(`delete from environments where id = $1 and "projectId" is null`, [environmentId]);
  }

  /** Each before those that it refers to. */
  async function tablesBelow(): Promise<Table[]> {
    const tables = inOrderOfReference(await readTables(db)).reverse();
    return tables
      .filter(({ columns }) => columns.includes("environmentId"))
      .map(({ name, primaryKey }) => ({ name, key: primaryKey.filter((column) => column !== "environmentId") }));
  }

  /** Returns the key of the last row that was removed; null when there are no more. */
  async function removeSome({ name, key }: Table, environmentId: string, after: readonly string[]): Promise<string[] | null> {
    const columns = key.map(quoteName).join(", ");
    // Not from the beginning each time, which is full of what is gone.
    const rest = after.length === 0 ? "" : `and (${columns}) > (${after.map((_, at) => `$${at + 2}`).join(", ")})`;
    const descending = key.map((column) => `${quoteName(column)} desc`).join(", ");
    const [last] = await db.transaction(async (tx) => {
      await tx.query(PLAN_FOR_BULK);
      return await tx.query<{ count: number; key: string[] }>(
        `with gone as (
           delete from ${quoteName(name)} where "environmentId" = $1 and (${columns}) in (
             select ${columns} from ${quoteName(name)} where "environmentId" = $1 ${rest} order by ${columns} limit ${batchRows}
           ) returning ${columns}
         )
         select array[${key.map((column) => `${quoteName(column)}::text`).join(", ")}] as key, (select count(*)::int from gone) as count
         from gone order by ${descending} limit 1`,
        [environmentId, ...after],
      );
    });
    return last !== undefined && last.count === batchRows ? last.key : null;
  }
}

interface Table {
  name: string;
  /** The columns of the primary key that follow the environment's id. */
  key: string[];
}
