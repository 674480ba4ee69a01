/**
 * What all database work of one management request shares: who acts, which the audit log is told, and the one
 * transaction that a request with an idempotency key is. Kept beside the call (AsyncLocalStorage), because the services
 * in between are the same for requests that have neither. See src/decisions/0036 and 0037.
 */
import { AsyncLocalStorage } from "node:async_hooks";
import type pg from "pg";
import type { Transaction } from "./database.ts";

/** Who writes, and by which operation; goes into every entry of the audit log. */
export interface Actor {
  apiKeyId: string;
  organizationId: string;
  /** The request's id. */
  requestId: string;
  /** The name of what was called, such as `createSurvey`. */
  operation: string;
}

interface WriteScope {
  actor: Actor;
  unit: OpenUnit | null;
}

/** One transaction around everything that a request does. Ends with {@link commit} or {@link rollback}, once. */
export interface UnitOfWork {
  /** A statement of the unit's own. */
  query: Transaction["query"];
  /** Runs `work`; every transaction and every unnamed statement of it becomes a part of the unit. */
  run<Result>(work: () => Result): Result;
  /** What was done until now is not undone by {@link undo}. */
  mark(): Promise<void>;
  undo(): Promise<void>;
  commit(): Promise<void>;
  rollback(): Promise<void>;
}

interface OpenUnit {
  isCommitted(): boolean;
  /**
   * A transaction within the unit: undone alone when `work` rejects. One at a time. Rejects after the unit was undone or
   * rolled back, so that nothing of a request is written past its unit.
   */
  nest<Result>(work: (tx: Transaction) => Promise<Result>): Promise<Result>;
  onceCommitted(work: () => void): void;
}

const scopes = new AsyncLocalStorage<WriteScope>();

/** Runs `work` in the name of `actor`. */
export const runAsActor = <Result>(actor: Actor, work: () => Result): Result => scopes.run({ actor, unit: null }, work);

/** Whether somebody is named for what is written now. */
export const hasActor = (): boolean => scopes.getStore() !== undefined;

/** The unit that database work belongs to now, if any. What comes after a commit is work of its own. */
export function currentUnit(): OpenUnit | null {
  const unit = scopes.getStore()?.unit;
  return unit && !unit.isCommitted() ? unit : null;
}

/** Runs `work` now, and once more when the unit that it is called in commits: for caches that are to be emptied. */
export function onceCommitted(work: () => void): void {
  work();
  currentUnit()?.onceCommitted(work);
}

/** Tells the triggers of the audit log, for the transaction that was begun, who acts. */
export async function nameActor(client: pg.ClientBase): Promise<void> {
  const actor = scopes.getStore()?.actor;
  if (actor) await client.query("select set_config('mortar.actor', $1, true)", [JSON.stringify(actor)]);
}

/** @param release gives the connection back; with an error when it is broken */
export async function beginUnit(
  client: pg.ClientBase,
  transactionOf: (client: pg.ClientBase, afterCommit: Transaction["afterCommit"]) => Transaction,
  release: (broken?: Error) => void,
): Promise<UnitOfWork> {
  let state: "open" | "undone" | "committed" | "rolled back" = "open";
  let hasEnded = false;
  const inTurn = createQueue();
  const committed: (() => void)[] = [];
  const tx = transactionOf(client, (effect) => committed.push(effect));
  try {
    await client.query("begin");
    await nameActor(client);
  } catch (error) {
    await end("rollback");
    throw error;
  }
  return {
    query: tx.query,
    run: (work) => {
      const actor = scopes.getStore()?.actor;
      if (!actor) throw new Error("a unit of work needs an actor");
      return scopes.run(
        { actor, unit: { isCommitted: () => state === "committed", nest, onceCommitted: (then) => committed.push(then) } },
        work,
      );
    },
    mark: async () => void (await client.query("savepoint request")),
    undo: () => inTurn(undo),
    commit: () =>
      inTurn(async () => {
        await end("commit");
        for (const then of committed) then();
      }),
    rollback: () => inTurn(() => end("rollback")),
  };

  function nest<Result>(work: (tx: Transaction) => Promise<Result>): Promise<Result> {
    return inTurn(async () => {
      if (state !== "open") throw new Error(`the unit of work was ${state}`);
      return await inSavepoint(work, 1);
    });
  }

  /**
   * What is nested deeper runs while it is awaited by the one whose turn it is, one after another as well. Each depth has a
   * name of its own: of two savepoints of one name only the later can be gone back to.
   */
  function inSavepoint<Result>(work: (tx: Transaction) => Promise<Result>, depth: number): Promise<Result> {
    const run = () => guarded(work, `part_${depth}`);
    const scope = scopes.getStore();
    if (!scope?.unit) return run();
    const inTurnHere = createQueue();
    const nest: OpenUnit["nest"] = (inner) => inTurnHere(() => inSavepoint(inner, depth + 1));
    return scopes.run({ ...scope, unit: { ...scope.unit, nest } }, run);
  }

  async function guarded<Result>(work: (tx: Transaction) => Promise<Result>, savepoint: string): Promise<Result> {
    await client.query(`savepoint ${savepoint}`);
    try {
      const result = await work(tx);
      await client.query(`release savepoint ${savepoint}`);
      return result;
    } catch (error) {
      await client.query(`rollback to savepoint ${savepoint}; release savepoint ${savepoint}`);
      throw error;
    }
  }

  async function undo(): Promise<void> {
    state = "undone";
    await client.query("rollback to savepoint request");
  }

  async function end(how: "commit" | "rollback"): Promise<void> {
    if (hasEnded) return;
    hasEnded = true;
    if (how === "rollback") state = "rolled back";
    let broken: Error | undefined;
    try {
      const { command } = await client.query(how);
      if (how === "commit" && command !== "COMMIT") throw new Error("the unit of work was rolled back");
      if (how === "commit" && state === "open") state = "committed";
    } catch (error) {
      state = "rolled back";
      if (error instanceof Error) broken = error; // what state the connection is in is not known
      if (how === "commit") throw error;
    } finally {
      release(broken);
    }
  }
}

/** Runs what it is given after everything that it was given before. */
function createQueue(): <Result>(work: () => Promise<Result>) => Promise<Result> {
  let last: Promise<unknown> = Promise.resolve();
  return (work) => {
    const result = last.then(work);
    last = result.catch(() => undefined);
    return result;
  };
}
