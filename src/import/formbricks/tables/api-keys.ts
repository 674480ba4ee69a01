/** API keys with what they may do. The keys themselves go on working: the hash by which a key is found is kept. */
import { quoteText } from "../../../db/session.ts";
import { insert, type Loading, reportRows, resolve, resolvedTable, settleUniques } from "../load.ts";
import { JSON_COLUMN, type TableMapping, TEXT, TIME } from "../mapping.ts";
import { BadRow, type SourceRow } from "../source-row.ts";
import { stagingTable } from "../staging.ts";

const SHA256_HEX = /^[0-9a-f]{64}$/;

export const apiKeys: TableMapping = {
  sources: ["ApiKey"],
  target: "api_keys",
  columns: {
    id: TEXT,
    createdAt: TIME,
    createdBy: TEXT,
    lastUsedAt: TIME,
    label: TEXT,
    lookupHash: TEXT,
    isLegacy: "boolean",
    organizationId: TEXT,
    organizationAccess: JSON_COLUMN,
    permissions: JSON_COLUMN,
  },
  key: ["id"],
  parents: [{ column: "organizationId", table: "organizations", noun: "Organization", environment: "above" }],
  uniques: [{ columns: ["lookupHash"], noun: "hash" }],
  map: (row) => ({
    id: row.id("id"),
    createdAt: row.time("createdAt"),
    createdBy: row.idOrNull("createdBy"),
    lastUsedAt: row.timeOrNull("lastUsedAt"),
    label: row.textOrNull("label") ?? "",
    ...mapHash(row),
    organizationId: row.id("organizationId"),
    organizationAccess: row.object("organizationAccess", {}),
    permissions: {},
  }),
};

/** Keys from before `fbk_` have no lookupHash; their hashedKey is the SHA-256 of the whole key. */
function mapHash(row: SourceRow): { lookupHash: string; isLegacy: boolean } {
  const isLegacy = !row.has("lookupHash");
  const column = isLegacy ? "hashedKey" : "lookupHash";
  const lookupHash = row.text(column);
  if (!SHA256_HEX.test(lookupHash)) throw new BadRow(`column ${column} is not a SHA-256 in hex, so the key cannot be recognized`);
  return { lookupHash, isLegacy };
}

/** The environments that a key may use. Not a table of ours: they become the key's `permissions`. */
export const apiKeyPermissions: TableMapping = {
  sources: ["ApiKeyWorkspace", "ApiKeyEnvironment"],
  target: "api_key_permissions",
  columns: { apiKeyId: TEXT, environmentId: TEXT, permission: TEXT },
  key: ["apiKeyId", "environmentId"],
  parents: [],
  uniques: [],
  map: (row) => ({
    apiKeyId: row.id("apiKeyId"),
    environmentId: row.idOrNull("workspaceId") ?? row.id("environmentId"),
    permission: row.oneOf("permission", ["read", "write", "manage"]),
  }),
};

export async function loadApiKeys(loading: Loading): Promise<void> {
  const keys = resolvedTable(apiKeys);
  await resolve(loading, apiKeys);
  await settleUniques(loading, apiKeys, keys);
  await resolvePermissions(loading);
  await loading.session.execute(`
    update ${keys} k set permissions = granted.permissions
    from (
      select "apiKeyId", jsonb_object_agg("environmentId", permission) as permissions
      from ${resolvedTable(apiKeyPermissions)} where _state = 'new' group by "apiKeyId"
    ) granted
    where k.id = granted."apiKeyId" and k._state = 'new'`);
  await insert(loading, apiKeys, keys);
  await reportRows(loading, keys);
  await reportRows(loading, resolvedTable(apiKeyPermissions));
}

/** A key never reaches into another organization, whatever the source says. */
async function resolvePermissions({ session }: Loading): Promise<void> {
  await session.execute(`
    create temporary table ${resolvedTable(apiKeyPermissions)} on commit drop as
    with found as (
      select s.*, concat_ws('/', s."apiKeyId", s."environmentId") as _label, k._state as "keyState",
        case
          when k.id is null then ${quoteText("its ApiKey is not there")}
          when e.id is null then ${quoteText("its Workspace or Environment is not there")}
          when p."organizationId" <> k."organizationId" then ${quoteText("the environment is another organization's")}
          when row_number() over (partition by s."apiKeyId", s."environmentId" order by s._n) > 1
            then ${quoteText("the same key is in the source twice")}
        end as _reason
      from ${stagingTable(apiKeyPermissions)} s
        left join ${resolvedTable(apiKeys)} k on k.id = s."apiKeyId" and k._state <> 'left'
        left join environments e on e.id = s."environmentId"
        left join projects p on p.id = e."projectId"
    )
    select f.*, case when f._reason is not null then 'left' else f."keyState" end as _state from found f`);
}
