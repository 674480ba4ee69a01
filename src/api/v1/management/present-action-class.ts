import { z } from "zod";
import type { ActionClass } from "../../../action-classes/service.ts";
import { presentTenant, tenantFields } from "./tenant.ts";

/** An action class in the words of this contract. Source: management-api-v1 §3. */
export const V1ActionClass = z
  .object({
    id: z.string(),
    createdAt: z.date(),
    updatedAt: z.date(),
    name: z.string().meta({ example: "Pricing viewed" }),
    description: z.string().nullable(),
    type: z.enum(["code", "noCode"]),
    key: z.string().nullable().meta({ description: "How code names it; unique in its environment" }),
    noCodeConfig: z.unknown().meta({ description: "Where and how it is recognised without code, or null" }),
    ...tenantFields,
  })
  .meta({ id: "V1ActionClass" });

export const presentActionClass = ({ environmentId, legacyEnvironmentId, ...actionClass }: ActionClass) => ({
  ...actionClass,
  ...presentTenant({ environmentId, legacyEnvironmentId }),
});
