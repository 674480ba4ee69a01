/** What every route of the contract answers in the same words. */
import { expect } from "vitest";

export const ISO = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
export const ID = expect.stringMatching(/^c[a-z0-9]{24}$/);

export const NO_KEY = {
  code: "not_authenticated",
  message: "Not authenticated",
  details: { "x-Api-Key": "Header not provided or API Key invalid" },
};
export const NO_PERMISSION = { code: "unauthorized", message: "You are not authorized to access this resource", details: {} };
export const BAD_JSON = {
  code: "bad_request",
  message: "Malformed JSON input, please check your request body",
  details: {},
};
export const message = (text: string, details: Record<string, unknown> = {}) => ({
  code: "bad_request",
  message: text,
  details,
});
export const BAD_ID = message("Validation failed: Invalid cuid2");
export const NO_TENANT = message("workspaceId must be provided");
export const fields = (details: Record<string, unknown>) => message("Fields are missing or incorrectly formatted", details);
export const notFound = (type: string, id: string) => ({
  code: "not_found",
  message: `${type} not found`,
  details: { resource_id: id, resource_type: type },
});
export const conflict = (text: string) => ({ code: "conflict", message: text, details: {} });
