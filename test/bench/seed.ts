import type { Database } from "../../src/db/database.ts";
import { newId } from "../../src/shared/ids.ts";

const BATCH = 10_000;

/** Fills the environment with contacts `user-0`, `user-1`, …, and lets the planner know. */
export async function fillContacts(
  db: Database,
  { environmentId, contacts, attributes }: { environmentId: string; contacts: number; attributes: (contact: number) => object },
): Promise<void> {
  const keys = Object.entries(attributes(0)).map(([key, value]) => ({
    environmentId,
    id: newId(),
    key,
    dataType:
      typeof value === "number" ? ("number" as const) : /^\d{4}-/.test(String(value)) ? ("date" as const) : ("string" as const),
  }));
  await db.prisma.contactAttributeKey.createMany({ data: keys });
  for (let start = 0; start < contacts; start += BATCH) {
    const numbers = Array.from({ length: Math.min(BATCH, contacts - start) }, (_, n) => start + n);
    await db.query(
      `insert into contacts ("environmentId", id, "userId", attributes, "updatedAt")
       select $1, id, "userId", attributes, now() from unnest($2::text[], $3::text[], $4::jsonb[]) as c(id, "userId", attributes)`,
      [
        environmentId,
        numbers.map(() => newId()),
        numbers.map((n) => `user-${n}`),
        numbers.map((n) => JSON.stringify(attributes(n))),
      ],
    );
  }
  await db.query("vacuum analyze");
}
