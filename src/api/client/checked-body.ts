/** Bodies of the client API that are checked by a schema, in the contract's words. Source: client-api §2.3, §2.4. */
import type { z } from "zod";
import { invalid } from "../../shared/problem.ts";
import { findUnstorable } from "../../shared/storable-text.ts";

const MESSAGE = "Fields are missing or incorrectly formatted";

/** The checked body; throws `invalid` with an issue per failing path. Texts that cannot be stored are refused, too. */
export function checkBody<Schema extends z.ZodType>(schema: Schema, body: unknown): z.output<Schema> {
  const result = schema.safeParse(body);
  if (!result.success)
    throw invalid(MESSAGE, {
      issues: result.error.issues.map(({ path, message }) => ({ field: path.join("."), issue: message })),
    });
  const unstorable = findUnstorable(result.data);
  if (unstorable !== null)
    throw invalid(MESSAGE, { issues: [{ field: unstorable.join("."), issue: "Invalid input: NUL or an unpaired surrogate" }] });
  return result.data;
}

/** Any JSON but an object counts as an empty one. */
export const objectOrEmpty = (body: unknown): object =>
  typeof body === "object" && body !== null && !Array.isArray(body) ? body : {};

const MAX_IDEMPOTENCY_KEY_LENGTH = 255;

/** The `Idempotency-Key` header, by which a client may name a request; null without one. */
export function readIdempotencyKey(header: string | string[] | undefined): string | null {
  if (header === undefined || header === "") return null;
  if (typeof header !== "string" || header.length > MAX_IDEMPOTENCY_KEY_LENGTH)
    throw invalid(`Idempotency-Key must have at most ${MAX_IDEMPOTENCY_KEY_LENGTH} characters`);
  return header;
}
