import { z } from "zod";
import { inBatches } from "../db/batches.ts";
import type { Database } from "../db/database.ts";
import type { UnitOfWork } from "../db/write-scope.ts";
import type { Principal } from "../shared/principal.ts";
import { Problem } from "../shared/problem.ts";
import type { SecretBox } from "../shared/secret-box.ts";

export type IdempotencyService = ReturnType<typeof createIdempotencyService>;

const StoredAnswer = z.object({ status: z.int(), contentType: z.string().nullable(), body: z.string() });

/** An answer as it was sent. */
export type StoredAnswer = z.infer<typeof StoredAnswer>;

export interface IdempotentRequest {
  /** Method and path pattern: the same key may be used once for each. */
  route: string;
  /** As the client chose it, 1 to 255 characters. */
  key: string;
  /** A hash of what was asked for. */
  fingerprint: string;
}

/** A request that is carried out for the first time. Must be ended with {@link finish} or {@link abandon}. */
export interface Attempt {
  /** Runs `work`; all that it writes is committed together with the answer, or not at all. */
  run<Result>(work: () => Result): Result;
  /**
   * Ends the request: commits what it wrote with the answer, keeps only the answer of one that was refused for good, and
   * keeps nothing of one that may be sent again as it is. Rejects when it was not committed.
   */
  finish(answer: StoredAnswer): Promise<void>;
  /** Nothing of it remains. */
  abandon(): Promise<void>;
}

const KEEP_MS = 24 * 60 * 60_000;

/** Refusals that another try would meet again. A mistake in the request may be mended, and a failure pass. */
const LASTING_REFUSALS: readonly number[] = [403, 404, 409, 410];

const FIND = `
  select fingerprint, answer from idempotency_keys
  where "apiKeyId" = $1 and route = $2 and key = $3 and "createdAt" > $4`;

/** One that has expired and was not cleared away yet gives way. */
const STORE = `
  insert into idempotency_keys ("apiKeyId", route, key, fingerprint, answer, "createdAt") values ($1, $2, $3, $4, $5, $6)
  on conflict ("apiKeyId", route, key) do update
    set fingerprint = excluded.fingerprint, answer = excluded.answer, "createdAt" = excluded."createdAt"`;

const DELETE_EXPIRED = `
  delete from idempotency_keys where ("apiKeyId", route, key) in (
    select "apiKeyId", route, key from idempotency_keys where "createdAt" <= $1 order by "createdAt" limit $2)
  returning 1`;

/** Requests that have their effect once, however often they are sent. See src/decisions/0036. */
export function createIdempotencyService({ db, secretBox, now }: { db: Database; secretBox: SecretBox; now: () => number }) {
  return { begin, deleteExpired };

  /**
   * The answer of the same request when it was carried out in the last 24 hours, or an attempt to carry it out. Must be
   * called in the name of an actor. Throws `conflict` while it is being carried out; `key_reused` when another request
   * came with the key; `unavailable`.
   */
  async function begin(caller: Principal, request: IdempotentRequest): Promise<StoredAnswer | Attempt> {
    const { apiKeyId } = caller;
    const { route, key, fingerprint } = request;
    const unit = await db.openUnit();
    try {
      // Held until the unit ends, so that nothing is left behind by a process that dies.
      const [lock] = await unit.query<{ isHeld: boolean }>(
        `select pg_try_advisory_xact_lock(hashtextextended($1, 0)) as "isHeld"`,
        [`mortar idempotency ${apiKeyId} ${route} ${key}`],
      );
      if (!lock?.isHeld)
        throw new Problem("conflict", "A request with this Idempotency-Key is still being carried out", { retryAfterSeconds: 1 });
      const [stored] = await unit.query<{ fingerprint: string; answer: string }>(FIND, [
        apiKeyId,
        route,
        key,
        new Date(now() - KEEP_MS),
      ]);
      if (stored === undefined) {
        await unit.mark();
        return createAttempt(unit, apiKeyId, request);
      }
      if (stored.fingerprint !== fingerprint)
        throw new Problem("key_reused", "This Idempotency-Key came with another request", {
          issues: [{ field: "Idempotency-Key", issue: "was used for another request" }],
        });
      await unit.rollback();
      return StoredAnswer.parse(JSON.parse(secretBox.open(stored.answer)));
    } catch (error) {
      await unit.rollback();
      throw error;
    }
  }

  function createAttempt(unit: UnitOfWork, apiKeyId: string, { route, key, fingerprint }: IdempotentRequest): Attempt {
    return { run: unit.run, finish, abandon: unit.rollback };

    async function finish(answer: StoredAnswer): Promise<void> {
      const isSuccess = answer.status < 300;
      if (!isSuccess && !LASTING_REFUSALS.includes(answer.status)) return await unit.rollback();
      try {
        if (!isSuccess) await unit.undo();
        const sealed = secretBox.seal(JSON.stringify(answer));
        await unit.query(STORE, [apiKeyId, route, key, fingerprint, sealed, new Date(now())]);
        await unit.commit();
      } catch (error) {
        await unit.rollback();
        throw error;
      }
    }
  }

  /** Deletes what is not answered from any more; returns how many. */
  async function deleteExpired(): Promise<number> {
    const before = new Date(now() - KEEP_MS);
    return await inBatches(async (limit) => (await db.query(DELETE_EXPIRED, [before, limit])).length);
  }
}
