import { z } from "zod";

/** A path with the customer's id for a contact. */
export interface LegacyRoute {
  Params: { environmentId: string; userId: string };
}

export const LegacyParams = z.object({ environmentId: z.string(), userId: z.string() });
