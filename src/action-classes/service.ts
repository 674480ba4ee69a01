import { notifyChange } from "../db/change-feed.ts";
import type { Database, Transaction } from "../db/database.ts";
import type { EnvironmentService } from "../environments/service.ts";
import { mayUseEnvironment, type PermissionLevel, type Principal, requireEnvironment } from "../shared/principal.ts";
import { forbidden, notFound, Problem } from "../shared/problem.ts";
import type { ActionClassInput } from "./model.ts";

export { ActionClassInput } from "./model.ts";

export type ActionClassService = ReturnType<typeof createActionClassService>;

/** Something users do, which surveys of apps wait for. */
export interface ActionClass {
  environmentId: string;
  /** Of the environment, when it has a second id. */
  legacyEnvironmentId: string | null;
  id: string;
  createdAt: Date;
  updatedAt: Date;
  name: string;
  description: string | null;
  type: "code" | "noCode";
  /** How code names it; null for actions that are recognised without code. */
  key: string | null;
  /** JSON as stored: an imported one may break the rules of {@link ActionClassInput}. */
  noCodeConfig: unknown;
}

const SELECT = `
  select a."environmentId", e."legacyId" as "legacyEnvironmentId", a.id, a."createdAt", a."updatedAt", a.name, a.description,
    a.type, a.key, a."noCodeConfig"
  from action_classes a join environments e on e.id = a."environmentId"`;

/** Action classes: the named things users do. */
export function createActionClassService({
  db,
  environments,
  newId,
  now,
}: {
  db: Database;
  environments: EnvironmentService;
  newId: () => string;
  now: () => number;
}) {
  return { list, get, findUnknownNames, create, update, remove };

  /** Those of every environment the caller may use, oldest first. */
  function list(caller: Principal): Promise<ActionClass[]> {
    return db.query<ActionClass>(`${SELECT} where a."environmentId" = any($1) order by a."createdAt", a.id`, [
      [...caller.permissions.keys()],
    ]);
  }

  /** Those of the names that no action class of the environment has as its name or key. */
  async function findUnknownNames(environmentId: string, names: readonly string[]): Promise<string[]> {
    const rows = await db.query<{ name: string }>(
      `select n.name from unnest($2::text[]) as n(name) where not exists (
         select 1 from action_classes a where a."environmentId" = $1 and (a.name = n.name or a.key = n.name))`,
      [environmentId, names],
    );
    return rows.map(({ name }) => name);
  }

  /** Throws `not_found`; `forbidden` unless the caller holds `level` on its environment. */
  async function get(caller: Principal, id: string, level: PermissionLevel): Promise<ActionClass> {
    const found = await db.query<ActionClass>(`${SELECT} where a.id = $1`, [id]);
    if (found.length === 0) throw notFound("action class", id);
    const permitted = found.find(({ environmentId }) => mayUseEnvironment(caller, environmentId, level));
    if (permitted === undefined) throw forbidden();
    return permitted;
  }

  /** Throws `forbidden`; `conflict` when the environment has the name or the key already. */
  async function create(caller: Principal, environmentId: string, input: ActionClassInput): Promise<ActionClass> {
    requireEnvironment(caller, environmentId, "write");
    const id = newId();
    const at = new Date(now());
    const created = await db.transaction(async (tx) => {
      const inserted = await tx.query(
        `insert into action_classes
           ("environmentId", id, "createdAt", "updatedAt", name, description, type, key, "noCodeConfig")
         values ($1, $2, $3, $3, $4, $5, $6, $7, $8) on conflict do nothing returning id`,
        [environmentId, id, at, input.name, input.description ?? null, input.type, keyOf(input), configOf(input)],
      );
      if (inserted.length === 0) throw await taken(tx, { environmentId, id, input });
      await notifyChange(tx, "environment", environmentId);
      return load(tx, environmentId, id);
    });
    environments.forget(environmentId);
    return created;
  }

  /**
   * Replaces the content; a description that is absent stays, and so does the member of the other type. Returns the
   * surveys that wait for it too. Throws `not_found`, `forbidden`, `conflict` as {@link create}.
   */
  async function update(
    caller: Principal,
    id: string,
    input: ActionClassInput,
  ): Promise<{ actionClass: ActionClass; surveyIds: string[] }> {
    const { environmentId } = await get(caller, id, "write");
    const updated = await db.transaction(async (tx) => {
      if (await isTaken(tx, { environmentId, id, input })) throw await taken(tx, { environmentId, id, input });
      const rows = await tx.query(
        `update action_classes set name = $3, type = $4::text::action_class_type, "updatedAt" = $5,
           description = case when $6::boolean then $7::text else description end,
           key = case when $4::text = 'code' then $8::text else key end,
           "noCodeConfig" = case when $4::text = 'noCode' then $9::jsonb else "noCodeConfig" end
         where "environmentId" = $1 and id = $2 returning id`,
        [
          environmentId,
          id,
          input.name,
          input.type,
          new Date(now()),
          input.description !== undefined,
          input.description ?? null,
          keyOf(input),
          configOf(input),
        ],
      );
      if (rows.length === 0) throw notFound("action class", id);
      await notifyChange(tx, "environment", environmentId);
      const triggers = await tx.query<{ surveyId: string }>(
        `select "surveyId" from survey_triggers where "environmentId" = $1 and "actionClassId" = $2 order by "createdAt", "surveyId"`,
        [environmentId, id],
      );
      return { actionClass: await load(tx, environmentId, id), surveyIds: triggers.map(({ surveyId }) => surveyId) };
    });
    environments.forget(environmentId);
    return updated;
  }

  /** Deletes it, and it triggers no survey any more. Returns what it was. Throws `not_found`, `forbidden`. */
  async function remove(caller: Principal, id: string): Promise<ActionClass> {
    const actionClass = await get(caller, id, "manage");
    const { environmentId } = actionClass;
    await db.transaction(async (tx) => {
      const deleted = await tx.query(`delete from action_classes where "environmentId" = $1 and id = $2 returning id`, [
        environmentId,
        id,
      ]);
      if (deleted.length === 0) throw notFound("action class", id);
      await notifyChange(tx, "environment", environmentId);
    });
    environments.forget(environmentId);
    return actionClass;
  }
}

interface Identified {
  environmentId: string;
  id: string;
  input: ActionClassInput;
}

async function load(tx: Transaction, environmentId: string, id: string): Promise<ActionClass> {
  const [row] = await tx.query<ActionClass>(`${SELECT} where a."environmentId" = $1 and a.id = $2`, [environmentId, id]);
  if (row === undefined) throw notFound("action class", id);
  return row;
}

async function isTaken(tx: Transaction, { environmentId, id, input }: Identified): Promise<boolean> {
  const others = await tx.query(
    `select 1 from action_classes where "environmentId" = $1 and id <> $2 and (name = $3 or key = $4) limit 1`,
    [environmentId, id, input.name, keyOf(input)],
  );
  return others.length > 0;
}

/** Says which of the two is taken; the name, when both are. */
async function taken(tx: Transaction, { environmentId, id, input }: Identified): Promise<Problem> {
  const named = await tx.query(`select 1 from action_classes where "environmentId" = $1 and id <> $2 and name = $3`, [
    environmentId,
    id,
    input.name,
  ]);
  const what = named.length > 0 ? `name ${input.name}` : `key ${keyOf(input)}`;
  return new Problem("conflict", `Action with ${what} already exists`);
}

const keyOf = (input: ActionClassInput): string | null => (input.type === "code" ? input.key : null);

const configOf = (input: ActionClassInput): string | null =>
  input.type === "noCode" && input.noCodeConfig !== null ? JSON.stringify(input.noCodeConfig) : null;
