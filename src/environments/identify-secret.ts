import { notifyChange } from "../db/change-feed.ts";
import type { Database, Transaction } from "../db/database.ts";
import { authorizeCreator } from "../organizations/service.ts";
import { type Principal, requireEnvironment, requireOrganization } from "../shared/principal.ts";
import { notFound } from "../shared/problem.ts";
import type { SecretBox } from "../shared/secret-box.ts";

export type IdentifySecretService = ReturnType<typeof createIdentifySecretService>;

export interface IdentifySecretState {
  /** Whether the environment has a secret of its own. */
  isSet: boolean;
  /** Whether the secret before signs, too. */
  hasPrevious: boolean;
  /** Whether user ids have to be signed: with a secret of the environment's, or else with the installation's. */
  isRequired: boolean;
}

interface StoredSecrets {
  id: string;
  /** Sealed, as is the one before. */
  present: string | null;
  previous: string | null;
}

const STORED = `e.id, e."identifySecret" as present, e."previousIdentifySecret" as previous`;

/**
 * The secret that an environment's user ids are signed with. A key may look whether there is one with read access to the
 * organization; to change it, it needs write access, `manage` on the environment, and a creator who is owner or manager, if it
 * has one. Everything here throws `forbidden`, and `not_found` (type `environment`).
 */
export function createIdentifySecretService({
  db,
  secretBox,
  newSecret,
  forget,
  isRequiredAnyway,
}: {
  db: Database;
  secretBox: SecretBox;
  newSecret: () => string;
  forget: (environmentId: string) => void;
  /** Whether the installation has a secret for environments without one. */
  isRequiredAnyway: boolean;
}) {
  return { status, set, rotate, dropPrevious, switchOff };

  async function status(caller: Principal, organizationId: string, environmentId: string): Promise<IdentifySecretState> {
    return stateOf(await find(db, caller, organizationId, environmentId, "read"));
  }

  /**
   * Takes a secret that the caller has made. The one before stays good until it is dropped, unless it is not to be kept.
   * Setting the present one again changes nothing, but for dropping the one before when that is asked for.
   */
  function set(
    caller: Principal,
    organizationId: string,
    environmentId: string,
    { secret, keepPrevious }: { secret: string; keepPrevious: boolean },
  ): Promise<IdentifySecretState> {
    return change(caller, organizationId, environmentId, ({ present, previous }) => {
      const isPresent = present !== null && openOrNull(present) === secret;
      const former = isPresent ? previous : present;
      return { present: isPresent ? present : secretBox.seal(secret), previous: keepPrevious ? former : null };
    });
  }

  /**
   * Makes a secret, which is shown this once. From now on client calls that name a user have to be signed with it, or with
   * the one before, which stays good until it is dropped.
   */
  async function rotate(
    caller: Principal,
    organizationId: string,
    environmentId: string,
  ): Promise<Pick<IdentifySecretState, "hasPrevious"> & { secret: string }> {
    const secret = newSecret();
    const sealed = secretBox.seal(secret);
    const { hasPrevious } = await change(caller, organizationId, environmentId, ({ present }) => ({
      present: sealed,
      previous: present,
    }));
    return { secret, hasPrevious };
  }

  /** Signatures with the secret before the present one are refused from now on. */
  function dropPrevious(caller: Principal, organizationId: string, environmentId: string): Promise<IdentifySecretState> {
    return change(caller, organizationId, environmentId, ({ present }) => ({ present, previous: null }));
  }

  /** The environment asks for no signature of its own; the installation's may still be asked for. */
  function switchOff(caller: Principal, organizationId: string, environmentId: string): Promise<IdentifySecretState> {
    return change(caller, organizationId, environmentId, () => ({ present: null, previous: null }));
  }

  async function change(
    caller: Principal,
    organizationId: string,
    environmentId: string,
    decide: (stored: StoredSecrets) => Pick<StoredSecrets, "present" | "previous">,
  ): Promise<IdentifySecretState> {
    const changed = await db.transaction(async (tx) => {
      const stored = await find(tx, caller, organizationId, environmentId, "write");
      const next = { ...stored, ...decide(stored) };
      if (next.present === stored.present && next.previous === stored.previous) return next;
      await tx.query(
        `update environments set "identifySecret" = $2, "previousIdentifySecret" = $3, "updatedAt" = now() where id = $1`,
        [next.id, next.present, next.previous],
      );
      await notifyChange(tx, "environment", next.id);
      return next;
    });
    forget(changed.id);
    return stateOf(changed);
  }

  /** To write, the row is locked: two rotations at once would each keep the same one before. */
  async function find(
    tx: Pick<Transaction, "query">,
    caller: Principal,
    organizationId: string,
    environmentId: string,
    access: "read" | "write",
  ): Promise<StoredSecrets> {
    const lock = access === "write" ? " for no key update of e" : "";
    requireOrganization(caller, organizationId, access);
    const [row] = await tx.query<StoredSecrets>(
      `select ${STORED} from environments e join projects p on p.id = e."projectId"
       where p."organizationId" = $1 and (e.id = $2 or e."legacyId" = $2) order by e.id = $2 desc limit 1${lock}`,
      [organizationId, environmentId],
    );
    if (!row) throw notFound("environment", environmentId);
    if (access === "read") return row;
    requireEnvironment(caller, row.id, "manage");
    await authorizeCreator(tx, caller, "manager");
    return row;
  }

  function stateOf({ present, previous }: StoredSecrets): IdentifySecretState {
    return { isSet: present !== null, hasPrevious: previous !== null, isRequired: present !== null || isRequiredAnyway };
  }

  /** One that is sealed with a key that is gone is nobody's. */
  function openOrNull(sealed: string): string | null {
    try {
      return secretBox.open(sealed);
    } catch {
      return null;
    }
  }
}
