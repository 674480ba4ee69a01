import type { Transaction } from "../db/database.ts";
import { DEFAULT_ATTRIBUTE_KEYS } from "../shared/default-attribute-keys.ts";

export interface NewProject {
  id: string;
  organizationId: string;
  name: string;
  /** Ids. */
  environments: { production: string; development: string };
  at: Date;
  newId: () => string;
}

/** A project with both environments, each with the default attribute keys and a default language. */
export async function insertProject(tx: Transaction, project: NewProject): Promise<void> {
  const { id, organizationId, name, environments, at } = project;
  await tx.query(`insert into projects (id, "organizationId", name, "createdAt", "updatedAt") values ($1, $2, $3, $4, $4)`, [
    id,
    organizationId,
    name,
    at,
  ]);
  await insertEnvironment(tx, project, environments.production, "production");
  await insertEnvironment(tx, project, environments.development, "development");
}

async function insertEnvironment(tx: Transaction, project: NewProject, id: string, type: string): Promise<void> {
  const { id: projectId, at, newId } = project;
  await tx.query(
    `insert into environments (id, "projectId", type, "createdAt", "updatedAt") values ($1, $2, $3::environment_type, $4, $4)`,
    [id, projectId, type, at],
  );
  for (const { key, name, isUnique } of DEFAULT_ATTRIBUTE_KEYS)
    await tx.query(
      `insert into contact_attribute_keys ("environmentId", id, key, name, type, "isUnique", "createdAt", "updatedAt")
       values ($1, $2, $3, $4, 'default', $5, $6, $6)`,
      [id, newId(), key, name, isUnique, at],
    );
  await tx.query(`insert into languages ("environmentId", id, code, "createdAt", "updatedAt") values ($1, $2, 'en-US', $3, $3)`, [
    id,
    newId(),
    at,
  ]);
}
