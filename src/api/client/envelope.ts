/** Envelopes of the client API, the same for v1 and v2. Source: client-api §2.4, §2.5. */
import { z } from "zod";
import { createCodedErrorPresenter } from "../../http/coded-error.ts";

export const presentClientError = createCodedErrorPresenter();

/** `{"data": …}` around every success. */
export const clientData = <Schema extends z.ZodType>(schema: Schema) => z.object({ data: schema });

export const ClientError = z
  .object({ code: z.string(), message: z.string(), details: z.record(z.string(), z.string().nullable()) })
  .meta({ id: "ClientError" });

/** The path's first segment: an environment's id, or its legacy id. */
export const ClientParams = z.object({ environmentId: z.string() });
