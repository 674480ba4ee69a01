/** Makes the rows that a test starts from. Each call makes its own, so tests run side by side and nothing is emptied. */
import { createHash, randomBytes } from "node:crypto";
import type { Database, Prisma } from "../../src/db/database.ts";
import { DEFAULT_ATTRIBUTE_KEYS } from "../../src/shared/default-attribute-keys.ts";
import { newId } from "../../src/shared/ids.ts";
import type { PermissionLevel } from "../../src/shared/principal.ts";

export interface BuiltOrganization {
  organizationId: string;
  /** A user with role owner; keys are made by them unless told otherwise. */
  ownerId: string;
}

export interface BuiltProject {
  projectId: string;
  /** The production environment. */
  environmentId: string;
  developmentId: string;
}

export interface Tenant extends BuiltOrganization, BuiltProject {
  /** Grants `permission` on both environments and `organizationAccess` on the organization. */
  apiKey: string;
}

export interface TenantOptions {
  /** Default `manage`; null: none on any environment. */
  permission?: PermissionLevel | null;
  /** Default: both. */
  organizationAccess?: { read: boolean; write: boolean };
}

/** An organization with an owner, a project, its two environments with default attribute keys, and an API key. */
export async function buildTenant(
  db: Database,
  { permission = "manage", organizationAccess }: TenantOptions = {},
): Promise<Tenant> {
  const organization = await buildOrganization(db);
  const project = await buildProject(db, organization);
  const environments = [project.environmentId, project.developmentId];
  const apiKey = await buildApiKey(db, {
    ...organization,
    permissions: permission === null ? {} : Object.fromEntries(environments.map((id) => [id, permission])),
    organizationAccess: organizationAccess ?? { read: true, write: true },
  });
  return { ...organization, ...project, apiKey };
}

export async function buildOrganization(db: Database): Promise<BuiltOrganization> {
  const organizationId = newId();
  const ownerId = newId();
  const email = `owner-${ownerId}@example.com`;
  await db.prisma.organization.create({
    data: {
      id: organizationId,
      name: `Organization ${organizationId}`,
      memberships: {
        create: { role: "owner", accepted: true, user: { create: { id: ownerId, email, emailKey: email, name: "Owner" } } },
      },
    },
  });
  return { organizationId, ownerId };
}

export async function buildProject(
  db: Database,
  { organizationId }: Pick<BuiltOrganization, "organizationId">,
): Promise<BuiltProject> {
  const projectId = newId();
  const environmentId = newId();
  const developmentId = newId();
  await db.prisma.project.create({
    data: {
      id: projectId,
      organizationId,
      name: `Project ${projectId}`,
      environments: {
        create: [
          { id: environmentId, type: "production", ...defaultsOfEnvironment() },
          { id: developmentId, type: "development", ...defaultsOfEnvironment() },
        ],
      },
    },
  });
  return { projectId, environmentId, developmentId };
}

const defaultsOfEnvironment = () => ({
  attributeKeys: { create: DEFAULT_ATTRIBUTE_KEYS.map((key) => ({ id: newId(), type: "default" as const, ...key })) },
  languages: { create: [{ id: newId(), code: "en-US" }] },
});

export interface ApiKeyOptions {
  organizationId: string;
  /** Environment id → level. */
  permissions: Record<string, PermissionLevel>;
  organizationAccess?: { read: boolean; write: boolean };
  /** The user who made the key. */
  ownerId?: string | null;
}

/** Returns the key as a client sends it. */
export async function buildApiKey(
  db: Database,
  { organizationId, permissions, organizationAccess = { read: false, write: false }, ownerId = null }: ApiKeyOptions,
): Promise<string> {
  const secret = randomBytes(32).toString("base64url");
  await db.prisma.apiKey.create({
    data: {
      id: newId(),
      organizationId,
      label: "test",
      createdBy: ownerId,
      lookupHash: createHash("sha256").update(secret).digest("hex"),
      permissions,
      organizationAccess: { accessControl: organizationAccess },
    },
  });
  return `fbk_${secret}`;
}

/** Makes a contact of the environment; attributes other than userId and email go into `attributes`. */
export async function buildContact(
  db: Database,
  contact: {
    id?: string;
    environmentId: string;
    userId?: string | null;
    email?: string | null;
    attributes?: Record<string, string | number | boolean>;
  },
): Promise<{ id: string }> {
  const { id } = await db.prisma.contact.create({ data: { id: newId(), ...contact } });
  return { id };
}

/** Makes a webhook that asks for events; it is seen by environments that no server has cached yet. */
export async function buildWebhook(
  db: Database,
  { environmentId, triggers }: { environmentId: string; triggers: readonly string[] },
): Promise<{ id: string }> {
  const id = newId();
  await db.prisma.webhook.create({ data: { environmentId, id, url: "https://hooks.example/", triggers: [...triggers] } });
  return { id };
}

/** Makes a survey of the environment, in progress and of type app unless told otherwise; `document` is stored as given. */
export async function buildSurvey(
  db: Database,
  survey: {
    environmentId: string;
    type?: "link" | "app";
    status?: "draft" | "inProgress" | "paused" | "completed";
    document?: Prisma.InputJsonObject;
  },
): Promise<{ id: string }> {
  const id = newId();
  await db.prisma.survey.create({
    data: { id, name: `Survey ${id}`, type: "app", status: "inProgress", document: {}, ...survey },
  });
  return { id };
}
