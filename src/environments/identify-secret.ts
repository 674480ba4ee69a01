import { notifyChange } from "../db/change-feed.ts";
import type { Database } from "../db/database.ts";
import { notFound } from "../shared/problem.ts";
import type { SecretBox } from "../shared/secret-box.ts";

export type IdentifySecretService = ReturnType<typeof createIdentifySecretService>;

/** The secret that an environment's user ids are signed with. Its operator's business: no API key reaches it. */
export function createIdentifySecretService({
  db,
  secretBox,
  newSecret,
  forget,
}: {
  db: Database;
  secretBox: SecretBox;
  newSecret: () => string;
  forget: (environmentId: string) => void;
}) {
  return { status, rotate, dropPrevious, switchOff };

  /** Throws `not_found` (type `environment`), as all of these do. */
  async function status(environmentId: string): Promise<{ isOn: boolean; hasPrevious: boolean }> {
    const [row] = await db.query<{ isOn: boolean; hasPrevious: boolean }>(
      `select "identifySecret" is not null as "isOn", "previousIdentifySecret" is not null as "hasPrevious"
       from environments where id = $1 and "projectId" is not null`,
      [environmentId],
    );
    if (!row) throw notFound("environment", environmentId);
    return row;
  }

  /**
   * Makes a secret, which is shown this once. From now on client calls that name a user have to be signed with it, or with
   * the one before, which stays good until it is dropped.
   */
  async function rotate(environmentId: string): Promise<{ secret: string; hasPrevious: boolean }> {
    const secret = newSecret();
    const { hasPrevious } = await change(environmentId, `"previousIdentifySecret" = "identifySecret", "identifySecret" = $2`, [
      secretBox.seal(secret),
    ]);
    return { secret, hasPrevious };
  }

  /** Signatures with the secret before the present one are refused from now on. */
  async function dropPrevious(environmentId: string): Promise<void> {
    await change(environmentId, `"previousIdentifySecret" = null`);
  }

  /** The environment asks for no signature of its own; the installation's may still be asked for. */
  async function switchOff(environmentId: string): Promise<void> {
    await change(environmentId, `"identifySecret" = null, "previousIdentifySecret" = null`);
  }

  async function change(environmentId: string, assignments: string, values: string[] = []): Promise<{ hasPrevious: boolean }> {
    const changed = await db.transaction(async (tx) => {
      const [row] = await tx.query<{ hasPrevious: boolean }>(
        `update environments set ${assignments}, "updatedAt" = now() where id = $1 and "projectId" is not null
         returning "previousIdentifySecret" is not null as "hasPrevious"`,
        [environmentId, ...values],
      );
      if (!row) throw notFound("environment", environmentId);
      await notifyChange(tx, "environment", environmentId);
      return row;
    });
    forget(environmentId);
    return changed;
  }
}
