/**
 * Signed user ids, an addition of ours to the contract: where an environment has an identify secret, a call that names a
 * user has to show that the customer's own server vouches for it. See src/decisions/0054.
 */
import type { EnvironmentConfiguration } from "../../environments/service.ts";
import { forbidden, Problem } from "../../shared/problem.ts";
import { isSignatureOf } from "../../shared/user-signature.ts";

/** Of servers; a browser that sends it asks for a preflight, whose answer the contract fixes. */
const HEADER = "x-user-id-signature";
/** Of bodies and, where there is none, of queries. */
const MEMBER = "userIdSignature";

/** Of the member, where a body has it. */
export const SIGNATURE = {
  description: "Hex HMAC-SHA256 of the user id, where the environment wants it; or in the header `X-User-Id-Signature`",
} as const;

interface SignedRequest {
  headers: Record<string, string | string[] | undefined>;
  query: unknown;
}

/** Throws `unauthenticated` without a signature and `forbidden` with a wrong one; does nothing where none is asked for. */
export function requireUserSignature(
  { identifySecrets }: Pick<EnvironmentConfiguration, "identifySecrets">,
  userId: string,
  { headers, query }: SignedRequest,
  body?: unknown,
): void {
  if (identifySecrets === null) return;
  const signature = headers[HEADER] ?? memberOf(body) ?? memberOf(query);
  if (typeof signature !== "string" || signature === "")
    throw new Problem("unauthenticated", `This environment wants user ids signed: ${MEMBER} is missing`);
  if (!isSignatureOf(signature, userId, identifySecrets)) throw forbidden(`${MEMBER} is not the signature of this user id`);
}

function memberOf(value: unknown): unknown {
  return typeof value === "object" && value !== null && MEMBER in value ? value[MEMBER] : undefined;
}
