/** The two ids under which an object names its environment. Source: management-api-v1 §1. */
import { z } from "zod";

export const tenantFields = {
  workspaceId: z.string().meta({ description: "The environment's id" }),
  environmentId: z.string().meta({ description: "The environment's id, the older one where it has two" }),
};

/** In a request: one of the two, under either of the environment's ids. */
export const tenantInput = {
  workspaceId: z.string().optional().meta({ description: "The environment; `environmentId` is the same" }),
  environmentId: z.string().optional(),
};

export const presentTenant = ({
  environmentId,
  legacyEnvironmentId,
}: {
  environmentId: string;
  legacyEnvironmentId: string | null;
}) => ({ workspaceId: environmentId, environmentId: legacyEnvironmentId ?? environmentId });
