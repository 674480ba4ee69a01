/** What the table of permissions and the contracts' envelopes say of a call; nothing here is asked of the server. */
import { PERMISSION_LEVELS, type PermissionLevel } from "../../src/shared/principal.ts";
import type { Operation } from "./operations.ts";

/** A key as the test knows it. */
export interface Holder {
  /** False: nobody's. */
  isKnown: boolean;
  /** Levels on the environment that the call is about, and on any other. */
  here: PermissionLevel | null;
  elsewhere: PermissionLevel | null;
  /** Access to the organization that the call is about. */
  organization: "read" | "write" | null;
  /** Has all access to another organization. */
  isOutsider?: true;
}

/** `own`: allowed, with nothing of the environment that the key does not reach; `unknown`: for this key it does not exist. */
export type Outcome = "allowed" | "own" | "unauthenticated" | "forbidden" | "unknown";

const reaches = (granted: PermissionLevel | null, level: PermissionLevel): boolean =>
  granted !== null && PERMISSION_LEVELS.indexOf(granted) >= PERMISSION_LEVELS.indexOf(level);

/** @param namesObjects whether the call names an environment or something in it */
export function outcomeOf(operation: Operation, holder: Holder, { namesObjects }: { namesObjects: boolean }): Outcome {
  const { id, permission } = operation;
  if (!holder.isKnown) return "unauthenticated";
  // The surveys that a webhook is for are looked at before the webhook itself (management-api-v2 §5.12).
  if (id === "updateWebhook" && holder.isOutsider) return "unknown";
  if (permission.audience === "vendor") return outcomeForVendor(permission.level, holder);
  if (permission.audience === "organization") return outcomeForOrganization(permission.level, holder, namesObjects);
  if (permission.audience !== "management" || permission.scope === "none") return "allowed";
  if (holder.here === null && holder.elsewhere === null && !permission.withoutEnvironment) return "unauthenticated";
  if (reaches(holder.here, permission.level)) return "allowed";
  return namesObjects ? "forbidden" : "own";
}

/** A key that may write anywhere stands for where it writes, also when it reads. */
function outcomeForVendor(needed: "read" | "write", { here, elsewhere }: Holder): Outcome {
  const level = reaches(here, "write") || reaches(elsewhere, "write") ? "write" : needed;
  if (reaches(here, level)) return "allowed";
  return reaches(elsewhere, level) ? "own" : "forbidden";
}

function outcomeForOrganization(level: "read" | "write", { organization, isOutsider }: Holder, namesIt: boolean): Outcome {
  if (organization === null) return isOutsider && !namesIt ? "own" : "unauthenticated";
  return level === "write" && organization !== "write" ? "unauthenticated" : "allowed";
}

/** In v2, whether a key may write to an environment that a body names is answered with 403; all else is 401 (§2.3). */
const NAMES_ITS_ENVIRONMENT =
  /^\/api\/v2\/management\/(contacts|contacts\/bulk|contact-attribute-keys|languages|segments|surveys|tags|webhooks)$/;

/** Status and body of a refusal, by contract. */
export function refusalOf({ path, method, permission }: Operation, kind: "unauthenticated" | "forbidden" | "unknown") {
  if (permission.audience === "vendor") {
    if (permission.vendor === "sprig") return { status: 403, text: "Forbidden" };
    return { status: 401, json: { errors: [{ error: "unauthorized", error_code: "401", message: "Unauthorized" }] } };
  }
  if (path.startsWith("/api/v2/")) {
    if (kind === "unknown") return { status: 404, json: { error: { code: 404, message: "Not Found" } } };
    const isWrite = method === "POST" || method === "PUT";
    return kind === "forbidden" && isWrite && NAMES_ITS_ENVIRONMENT.test(path)
      ? { status: 403, json: { error: { code: 403, message: "Forbidden" } } }
      : { status: 401, json: { error: { code: 401, message: "Unauthorized" } } };
  }
  return { status: 401, json: { code: kind === "forbidden" ? "unauthorized" : "not_authenticated" } };
}
