import type { Principal } from "../shared/principal.ts";

/** Who works on the machine, as a caller that may do everything with one environment and its organization. */
export const operatorFor = ({ environmentId, organizationId }: { environmentId: string; organizationId: string }): Principal => ({
  apiKeyId: "command line",
  organizationId,
  createdBy: null,
  organizationAccess: { read: true, write: true },
  permissions: new Map([[environmentId, "manage"]]),
});
