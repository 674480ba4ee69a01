/** What a new installation starts with, so that the first request needs no set-up. */
import { createHash, randomBytes } from "node:crypto";
import type { Database, Transaction } from "../db/database.ts";
import { insertProject } from "../projects/service.ts";

/** As written to `DATA_DIR/bootstrap.json`. */
export interface Installation {
  organizationId: string;
  projectId: string;
  environments: { production: { id: string }; development: { id: string } };
  /** Everything may be done with it. Its hash alone is stored, so it cannot be shown again. */
  apiKey: string;
}

/** What scripted installs fix; everything else is made up. */
export interface InstallationInput {
  organizationName: string;
  ownerEmail: string;
  environmentId?: string | undefined;
  apiKey?: string | undefined;
}

const ADVISORY_LOCK = 72_707_370;

export function createBootstrapService({ db, newId }: { db: Database; newId: () => string }) {
  return { install, findEnvironment };

  /**
   * Gives an empty database an organization with its owner, a project with both environments (default attribute keys
   * and a default language each) and an API key. Returns null when the database has an organization or a user
   * already. Of several processes one installs. `keep` is called before the commit, so that an installation whose
   * key was not kept does not come into being; what it kept is void when this rejects, unless
   * the connection was lost: then nobody knows.
   */
  async function install(input: InstallationInput, keep: (installation: Installation) => void): Promise<Installation | null> {
    const installation: Installation = {
      organizationId: newId(),
      projectId: newId(),
      environments: { production: { id: input.environmentId ?? newId() }, development: { id: newId() } },
      apiKey: input.apiKey ?? `fbk_${randomBytes(32).toString("base64url")}`,
    };
    return await db.transaction(async (tx) => {
      await tx.query("select pg_advisory_xact_lock($1)", [ADVISORY_LOCK]);
      const [found] = await tx.query<{ exist: boolean }>(
        "select exists (select from organizations) or exists (select from users) as exist",
      );
      if (found?.exist) return null;
      const ownerId = await insertOrganization(tx, installation, input);
      await insertProject(tx, {
        id: installation.projectId,
        organizationId: installation.organizationId,
        name: "My project",
        environments: {
          production: installation.environments.production.id,
          development: installation.environments.development.id,
        },
        at: new Date(),
        newId,
      });
      await insertApiKey(tx, installation, ownerId);
      keep(installation);
      return installation;
    });
  }

  /** The oldest production environment's id, for examples; null when there is none. */
  async function findEnvironment(): Promise<string | null> {
    const [row] = await db.query<{ id: string }>(
      `select id from environments where type = 'production' and "projectId" is not null order by "createdAt", id limit 1`,
    );
    return row?.id ?? null;
  }

  async function insertOrganization(
    tx: Transaction,
    { organizationId }: Installation,
    { organizationName, ownerEmail }: InstallationInput,
  ): Promise<string> {
    const ownerId = newId();
    await tx.query(`insert into organizations (id, name, "updatedAt") values ($1, $2, now())`, [
      organizationId,
      organizationName,
    ]);
    await tx.query(`insert into users (id, email, "emailKey", name, "updatedAt") values ($1, $2, $3, 'Owner', now())`, [
      ownerId,
      ownerEmail,
      ownerEmail.toLowerCase(),
    ]);
    await tx.query(`insert into memberships ("organizationId", "userId", accepted, role) values ($1, $2, true, 'owner')`, [
      organizationId,
      ownerId,
    ]);
    return ownerId;
  }

  async function insertApiKey(tx: Transaction, installation: Installation, ownerId: string): Promise<void> {
    const { organizationId, environments, apiKey } = installation;
    await tx.query(
      `insert into api_keys (id, "createdBy", label, "lookupHash", "organizationId", "organizationAccess", permissions)
       values ($1, $2, 'bootstrap', $3, $4, $5, $6)`,
      [
        newId(),
        ownerId,
        createHash("sha256").update(apiKey.slice("fbk_".length)).digest("hex"),
        organizationId,
        JSON.stringify({ accessControl: { read: true, write: true } }),
        JSON.stringify({ [environments.production.id]: "manage", [environments.development.id]: "manage" }),
      ],
    );
  }
}
