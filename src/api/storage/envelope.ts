/** Errors where uploaded files are served. Source: management-api-v1 §11.2. */
import { z } from "zod";
import { createCodedErrorPresenter } from "../../http/coded-error.ts";

export const presentStorageError = createCodedErrorPresenter({
  unauthenticated: { message: "Not authenticated", details: { "x-Api-Key": "Header not provided or API Key invalid" } },
  // "authenticated, but not allowed" is 401 in this contract
  forbidden: { status: 401, code: "unauthorized", message: "You are not authorized to access this resource", details: {} },
});

export const StorageError = z
  .object({ code: z.string(), message: z.string(), details: z.record(z.string(), z.string().nullable()) })
  .meta({ id: "StorageError" });
