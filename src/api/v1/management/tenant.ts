/** The two ids under which an object names its environment. Source: management-api-v1 §1. */
import { z } from "zod";
import type { EnvironmentService } from "../../../environments/service.ts";

export const tenantFields = {
  workspaceId: z.string().meta({ description: "The environment's id" }),
  environmentId: z.string().meta({ description: "The environment's id, the older one where it has two" }),
};

/** In a request: one of the two, under either of the environment's ids. */
export const tenantInput = {
  workspaceId: z.string().optional().meta({ description: "The environment; `environmentId` is the same" }),
  environmentId: z.string().optional(),
};

export interface Tenant {
  workspaceId: string;
  environmentId: string;
}

export const presentTenant = ({
  environmentId,
  legacyEnvironmentId,
}: {
  environmentId: string;
  legacyEnvironmentId: string | null;
}): Tenant => ({ workspaceId: environmentId, environmentId: legacyEnvironmentId ?? environmentId });

/** The rows with the two ids of their environments. */
export async function withTenants<Row extends { environmentId: string }>(environments: EnvironmentService, rows: readonly Row[]) {
  const ids = [...new Set(rows.map(({ environmentId }) => environmentId))];
  const found = await Promise.all(ids.map((id) => environments.configuration(id)));
  const legacyIds = new Map(found.map(({ id, legacyId }) => [id, legacyId]));
  return rows.map((row) => {
    const { environmentId } = row;
    return { ...row, ...presentTenant({ environmentId, legacyEnvironmentId: legacyIds.get(environmentId) ?? null }) };
  });
}

/** As {@link withTenants}, of one row. */
export async function withTenant<Row extends { environmentId: string }>(environments: EnvironmentService, row: Row) {
  const { legacyId } = await environments.configuration(row.environmentId);
  return { ...row, ...presentTenant({ environmentId: row.environmentId, legacyEnvironmentId: legacyId }) };
}
