import { Command, Option } from "commander";
import type { ApiKey } from "../api-keys/service.ts";
import type { Database } from "../db/database.ts";
import { PERMISSION_LEVELS, type PermissionLevel } from "../shared/principal.ts";
import { CommandFailure, UsageError, withBackend } from "./run.ts";
import { formatTable } from "./table.ts";

export const apiKeyCommand = (): Command =>
  new Command("api-key")
    .description("Makes, lists and revokes the keys (x-api-key) with which the management APIs are called.")
    .addHelpText("after", "\nExample:\n  mortar api-key create --label 'nightly export' --all-environments read")
    .addCommand(createCommand())
    .addCommand(listCommand())
    .addCommand(revokeCommand());

/** How the key is sent; the contracts of other vendors take it for one environment only. */
function howToUse({ permissions }: ApiKey): string {
  const mayWrite = Object.values(permissions).some((level) => level !== "read");
  const lines = ["Send it as", "  x-api-key: <key>               to Formbricks' management API"];
  if (mayWrite) lines.push("  Authorization: Token <key>     to the Userpilot contract (/v1, /userpilot/v1)");
  if (Object.keys(permissions).length > 0)
    lines.push(`  Authorization: API-Key <key>   to the Sprig contract (/v2, /v1, /sprig)${mayWrite ? "" : ", to read"}`);
  return lines.join("\n");
}

interface CreateOptions {
  label: string;
  organization?: string;
  environment: string[];
  allEnvironments?: PermissionLevel;
  organizationAccess: "none" | "read" | "write";
  createdBy?: string;
  json?: true;
}

const createCommand = (): Command =>
  new Command("create")
    .description("Makes an API key and prints it. Only a hash of it is stored: it cannot be shown again.")
    .requiredOption("--label <text>", "what the key is for")
    .option("--organization <id>", "the organization it belongs to; may be left out where there is only one")
    .option("--environment <id=level>", "an environment it may use, with read, write or manage; may be repeated", collect, [])
    .addOption(
      new Option("--all-environments <level>", "every environment that the organization has now").choices(PERMISSION_LEVELS),
    )
    .addOption(
      new Option("--organization-access <level>", "what it may do with the organization's users and teams")
        .choices(["none", "read", "write"])
        .default("none"),
    )
    .option("--created-by <user id>", "the member who is its maker; limits which users it may manage")
    .option("--json", "print the key with all its properties as JSON")
    .addHelpText(
      "after",
      "\nExamples:\n  mortar api-key create --label backend --environment clx0a1b2c0000=write\n  mortar api-key create --label admin --all-environments manage --organization-access write",
    )
    .action((options: CreateOptions) =>
      withBackend(async ({ db, services }) => {
        const organizationId = options.organization ?? (await findOnlyOrganization(db));
        const { apiKey, secret } = await services.apiKeys.create({
          organizationId,
          label: options.label,
          permissions: await readPermissions(db, organizationId, options),
          organizationAccess: {
            read: options.organizationAccess !== "none",
            write: options.organizationAccess === "write",
          },
          createdBy: options.createdBy,
        });
        console.log(options.json ? JSON.stringify({ ...apiKey, secret }, null, 2) : secret);
        if (!options.json) console.error(howToUse(apiKey)); // beside what a script reads
      }),
    );

const collect = (value: string, before: string[]): string[] => [...before, value];

async function findOnlyOrganization(db: Database): Promise<string> {
  const organizations = await db.prisma.organization.findMany({ select: { id: true, name: true }, take: 20 });
  const [only] = organizations;
  if (only === undefined) throw new CommandFailure("there is no organization yet; run: mortar bootstrap");
  if (organizations.length === 1) return only.id;
  const list = organizations.map(({ id, name }) => `${id} (${name})`).join(", ");
  throw new UsageError(`name one of the organizations with --organization: ${list}`);
}

async function readPermissions(
  db: Database,
  organizationId: string,
  options: CreateOptions,
): Promise<Record<string, PermissionLevel>> {
  const named = options.environment.map(parsePermission);
  if (named.length === 0 && options.allEnvironments === undefined && options.organizationAccess === "none")
    throw new UsageError("the key could do nothing: use --environment, --all-environments or --organization-access");
  const all = await db.prisma.environment.findMany({
    where: { project: { organizationId } },
    select: { id: true, legacyId: true },
  });
  const permissions: Record<string, PermissionLevel> = {};
  if (options.allEnvironments !== undefined) for (const { id } of all) permissions[id] = options.allEnvironments;
  for (const { id, level } of named) permissions[all.find(({ legacyId }) => legacyId === id)?.id ?? id] = level;
  return permissions;
}

function parsePermission(text: string): { id: string; level: PermissionLevel } {
  const at = text.lastIndexOf("=");
  const level = PERMISSION_LEVELS.find((known) => known === text.slice(at + 1));
  if (at < 1 || level === undefined)
    throw new UsageError(`--environment ${text}: write an environment's id, "=" and one of ${PERMISSION_LEVELS.join(", ")}`);
  return { id: text.slice(0, at), level };
}

const listCommand = (): Command =>
  new Command("list")
    .description("Lists the API keys, oldest first. The keys themselves are not stored and cannot be shown.")
    .option("--organization <id>", "only those of one organization")
    .option("--json", "print JSON")
    .addHelpText("after", "\nExample:\n  mortar api-key list --json")
    .action(({ organization, json }: { organization?: string; json?: true }) =>
      withBackend(async ({ services }) => {
        const keys = await services.apiKeys.list({ organizationId: organization });
        console.log(json ? JSON.stringify(keys, null, 2) : formatKeys(keys));
      }),
    );

const formatKeys = (keys: ApiKey[]): string =>
  formatTable(
    ["id", "label", "organization", "created", "last used", "organization access", "environments"],
    keys.map(({ id, label, organizationId, createdAt, lastUsedAt, organizationAccess, permissions }) => [
      id,
      label,
      organizationId,
      createdAt.toISOString(),
      lastUsedAt?.toISOString() ?? "never",
      organizationAccess.write ? "write" : organizationAccess.read ? "read" : "none",
      Object.entries(permissions)
        .map(([environmentId, level]) => `${environmentId}=${level}`)
        .join(" "),
    ]),
  );

const revokeCommand = (): Command =>
  new Command("revoke")
    .description("Deletes an API key: no request passes with it any more, at once and on every running server.")
    .argument("<id>", "the key's id, as listed; not the key itself")
    .addHelpText("after", "\nExample:\n  mortar api-key revoke cm6orqtcl000319wj9wb7dltl")
    .action((id: string) =>
      withBackend(async ({ services }) => {
        await services.apiKeys.revoke({ id });
        console.log(`revoked ${id}`);
      }),
    );
