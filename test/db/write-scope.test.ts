/** Database work in the name of an API key, and all of a request in one transaction. */
import { pino } from "pino";
import { afterAll, describe, expect, inject, it } from "vitest";
import { openDatabase } from "../../src/db/database.ts";
import { type Actor, onceCommitted, runAsActor } from "../../src/db/write-scope.ts";
import { newId } from "../../src/shared/ids.ts";

const db = openDatabase({ url: inject("databaseUrl"), poolSize: 6, log: pino({ level: "silent" }) });
afterAll(() => db.close());

const INSERT = `insert into organizations (id, name, "updatedAt") values ($1, 'unit', now())`;
const insert = (id: string) => db.query(INSERT, [id]);
const exists = async (id: string) => (await db.prisma.organization.count({ where: { id } })) === 1;
const actor: Actor = { apiKeyId: "key", organizationId: newId(), requestId: "request", operation: "test" };

/** Begins a unit as a request does. */
const begin = () =>
  runAsActor(actor, async () => {
    const unit = await db.openUnit();
    await unit.mark();
    return { ...unit, run: <Result>(work: () => Result) => runAsActor(actor, () => unit.run(work)) };
  });

describe("a unit of work", () => {
  it("commits single statements and transactions together", async () => {
    const [first, second] = [newId(), newId()];
    const unit = await begin();
    await unit.run(() => insert(first));
    await unit.run(() => db.transaction((tx) => tx.query(INSERT, [second])));
    expect([await exists(first), await exists(second)]).toEqual([false, false]);
    await unit.commit();
    expect([await exists(first), await exists(second)]).toEqual([true, true]);
  });

  it("sees what it wrote, and undoes a transaction that fails alone", async () => {
    const id = newId();
    const unit = await begin();
    await unit.run(async () => {
      await insert(id);
      const failing = db.transaction(async (tx) => {
        await tx.query(`update organizations set name = 'other' where id = $1`, [id]);
        await tx.query(INSERT, [id]);
      });
      await expect(failing).rejects.toThrow(/duplicate key/);
      expect(await db.query(`select name from organizations where id = $1`, [id])).toEqual([{ name: "unit" }]);
    });
    await unit.commit();
    expect(await exists(id)).toBe(true);
  });

  it("undoes all of a transaction that fails after one within it failed, and what was effected with it", async () => {
    const [outer, inner, after] = [newId(), newId(), newId()];
    const unit = await begin();
    await unit.run(async () => {
      const failing = db.transaction(async (tx) => {
        await tx.query(INSERT, [outer]);
        const within = db.transaction(async (deeper) => {
          await deeper.query(INSERT, [inner]);
          throw new Error("inner");
        });
        await expect(within).rejects.toThrow("inner");
        throw new Error("outer");
      });
      await expect(failing).rejects.toThrow("outer");
      await insert(after);
    });
    await unit.commit();
    expect(await Promise.all([outer, inner, after].map(exists))).toEqual([false, false, true]);
  });

  it("keeps a transaction in which one failed, and undoes those that are begun side by side within it alone", async () => {
    const [outer, kept] = [newId(), newId()];
    const undone = [newId(), newId()];
    const unit = await begin();
    await unit.run(() =>
      db.transaction(async (tx) => {
        await tx.query(INSERT, [outer]);
        const within = [...undone, kept].map((id) =>
          db.transaction(async (deeper) => {
            await deeper.query(INSERT, [id]);
            if (id !== kept) throw new Error("not this one");
          }),
        );
        await Promise.allSettled(within);
      }),
    );
    await unit.commit();
    expect(await Promise.all([outer, kept, ...undone].map(exists))).toEqual([true, true, false, false]);
  });

  it("runs what is begun at the same time one after the other", async () => {
    const ids = Array.from({ length: 20 }, newId);
    const unit = await begin();
    const works = ids.map((id, index) =>
      unit.run(() =>
        db.transaction(async (tx) => {
          await tx.query(INSERT, [id]);
          if (index % 2 === 1) throw new Error("not this one");
        }),
      ),
    );
    await Promise.allSettled(works);
    await unit.commit();
    expect(await Promise.all(ids.map(exists))).toEqual(ids.map((_, index) => index % 2 === 0));
  });

  it("writes nothing more once it was undone or rolled back", async () => {
    for (const how of ["undo", "rollback"] as const) {
      const [before, after] = [newId(), newId()];
      const unit = await begin();
      await unit.run(async () => {
        await insert(before);
        await unit[how]();
        await expect(insert(after)).rejects.toThrow("the unit of work was");
        await expect(db.transaction((tx) => tx.query(INSERT, [after]))).rejects.toThrow("the unit of work was");
      });
      await unit.commit();
      expect([await exists(before), await exists(after)]).toEqual([false, false]);
    }
  });

  it("is over when it was committed: what comes later is work of its own", async () => {
    const id = newId();
    const unit = await begin();
    await unit.run(async () => {
      await unit.commit();
      await insert(id);
    });
    expect(await exists(id)).toBe(true);
  });

  it("empties caches at once, and once more when it is committed", async () => {
    let calls = 0;
    const unit = await begin();
    unit.run(() => onceCommitted(() => calls++));
    expect(calls).toBe(1);
    await unit.commit();
    expect(calls).toBe(2);
    onceCommitted(() => calls++);
    expect(calls).toBe(3);
  });

  it("waits for others to end, and is refused for now when that takes too long", async () => {
    const held = [await begin(), await begin()]; // half of the connections that are not for named statements
    const waiting = begin();
    await held[0]?.rollback();
    const third = await waiting;
    await expect(begin()).rejects.toMatchObject({ kind: "unavailable", retryAfterSeconds: 1 });
    await Promise.all([third.commit(), held[1]?.commit()]);
    await (await begin()).rollback();
  });
});
