import { isRecord } from "./state.ts";

export interface SetupOptions {
  /** Without a slash at its end. */
  appUrl: string;
  workspaceId: string;
  userId?: unknown;
  attributes?: unknown;
}

/**
 * The argument of `setup` and of the older `init`, in both spellings; a text when something is missing.
 * Source: sdk-contract §8.2.
 */
export function readSetupOptions(value: unknown): SetupOptions | string {
  const { appUrl, apiHost, workspaceId, environmentId, userId, attributes } = isRecord(value) ? value : {};
  const address = firstText(appUrl, apiHost);
  const id = firstText(workspaceId, environmentId);
  if (address === undefined) return "appUrl is required";
  if (id === undefined) return "workspaceId or environmentId is required";
  return { appUrl: address.replace(/\/+$/, ""), workspaceId: id, userId, attributes };
}

const firstText = (...values: unknown[]): string | undefined =>
  values.find((value): value is string => typeof value === "string" && value.trim() !== "")?.trim();
