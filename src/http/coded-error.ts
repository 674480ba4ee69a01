/**
 * The error envelope `{ code, message, details }`, which Formbricks' client API (v1 and v2) and its v1 management API
 * share. Source: client-api §2.4, §2.5; management-api-v1 §2.5.
 */
import type { Problem, ProblemKind } from "../shared/problem.ts";
import { ERROR_STATUS } from "./error-status.ts";
import type { ErrorPresenter } from "./errors.ts";

const CODE = {
  malformed: "bad_request",
  invalid: "bad_request",
  unauthenticated: "not_authenticated",
  forbidden: "forbidden",
  not_found: "not_found",
  conflict: "conflict",
  key_reused: "unprocessable_entity",
  too_large: "payload_too_large",
  rate_limited: "too_many_requests",
  not_implemented: "not_implemented",
  unavailable: "service_unavailable",
  unexpected: "internal_server_error",
} as const satisfies Record<ProblemKind, string>;

/** The names these contracts give to nouns whose own name differs. */
const RESOURCE_NAMES: Record<string, string> = {
  environment: "Workspace",
  "action class": "Action Class",
  contactAttributeKey: "Attribute Key",
};

/** What a contract says otherwise for a kind. `details` replaces what the Problem carries. */
type Override = Partial<{ status: number; code: string; message: string; details: Record<string, string> }>;

export function createCodedErrorPresenter(overrides: Partial<Record<ProblemKind, Override>> = {}): ErrorPresenter {
  return (problem) => {
    const override = overrides[problem.kind] ?? {};
    return {
      status: override.status ?? ERROR_STATUS[problem.kind],
      headers: { "cache-control": "private, no-store" },
      body: {
        code: override.code ?? CODE[problem.kind],
        message: override.message ?? messageOf(problem),
        details: override.details ?? detailsOf(problem),
      },
    };
  };
}

function messageOf(problem: Problem): string {
  if (problem.resource) return `${resourceName(problem.resource.type)} not found`;
  if (problem.kind === "too_large") return "Payload Too Large";
  if (problem.kind === "rate_limited") return "Maximum number of requests reached. Please try again later.";
  return problem.message;
}

/** One text per path: a later issue of the same path wins. */
function detailsOf(problem: Problem): Record<string, string | null> {
  if (problem.resource) return { resource_id: problem.resource.id, resource_type: resourceName(problem.resource.type) };
  if (problem.kind === "too_large") return { error: problem.message };
  if (problem.details) return problem.details;
  return Object.fromEntries((problem.issues ?? []).map(({ field, issue }) => [field, issue]));
}

const resourceName = (type: string): string => RESOURCE_NAMES[type] ?? `${type.charAt(0).toUpperCase()}${type.slice(1)}`;
