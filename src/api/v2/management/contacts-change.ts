/**
 * One contact's attributes. Formbricks has no such route (management-api-v2 §10.2); envelope and permissions are those of
 * its other management routes (§1, §2).
 */
import type { FastifyPluginAsyncZod } from "fastify-type-provider-zod";
import { z } from "zod";
import type { Services } from "../../../services.ts";
import { ATTRIBUTE_DATA_TYPES } from "../../../shared/attributes.ts";
import { ID_PATTERN } from "../../../shared/ids.ts";
import { invalidField } from "../../../shared/problem.ts";
import { BODY_ERRORS, V2Error } from "../envelope.ts";
import { ContactDetails } from "./contact.ts";
import { presentOwner } from "./owner.ts";

const MAX_KEYS = 250;

const Value = z.union([z.string(), z.number(), z.boolean()]);

const OPERATORS = ["set", "setOnce", "unset", "add", "append"] as const;

const AttributeChange = z
  .strictObject({
    set: z.record(z.string(), Value).optional().meta({ description: "Values to give" }),
    setOnce: z.record(z.string(), Value).optional().meta({ description: "Values to give where the contact has none" }),
    unset: z.array(z.string()).optional().meta({ description: "Keys whose values to remove" }),
    add: z.record(z.string(), z.number()).optional().meta({ description: "Numbers to add; no value counts as 0" }),
    append: z
      .record(z.string(), z.string())
      .optional()
      .meta({ description: "Texts to put after the ones there are, up to 10,000 characters in all; attributes cannot be lists" }),
  })
  .superRefine((change, context) => {
    const keys = OPERATORS.flatMap((operator) => keysOf(change[operator]).map((key) => ({ operator, key })));
    const seen = new Set<string>();
    for (const { operator, key } of keys) {
      if (seen.has(key))
        context.addIssue({ code: "custom", path: [operator, key], message: "The key stands under two operators" });
      seen.add(key);
    }
    if (keys.length === 0) context.addIssue("At least one of set, setOnce, unset, add and append must name a key");
    if (keys.length > MAX_KEYS) context.addIssue(`At most ${MAX_KEYS} keys can be changed at a time`);
  })
  .meta({
    id: "V2AttributeChange",
    example: {
      set: { plan: "pro" },
      setOnce: { source: "ad" },
      unset: ["trial_ends"],
      add: { seats: 2 },
      append: { notes: " Called." },
    },
  });

const keysOf = (operand: readonly string[] | Record<string, unknown> = []): readonly string[] =>
  Array.isArray(operand) ? operand : Object.keys(operand);

const Outcome = z.object({
  data: ContactDetails,
  meta: z.object({
    changed: z.array(z.string()).meta({ description: "Keys whose values are not what they were", example: ["plan", "seats"] }),
    createdKeys: z.array(z.object({ key: z.string(), dataType: z.enum(ATTRIBUTE_DATA_TYPES) })),
    conflicts: z
      .array(z.object({ key: z.string(), operator: z.enum(OPERATORS), issue: z.string() }))
      .meta({ description: "What was left out; all else was done", example: [] }),
  }),
});

const Headers = z.object({
  "x-strict-mode": z
    .enum(["true", "false"])
    .optional()
    .meta({ description: "`true`: unknown keys and values that do not fit refuse the whole request" }),
});

const Path = z.object({ contactId: z.string().regex(ID_PATTERN, "Invalid cuid2") });

/** Who may not change a contact that exists is answered 401 (§2.3). */
const config = { problems: { forbidden: "unauthenticated" } } as const;

export const contactChangeRoutes: FastifyPluginAsyncZod<{ services: Services }> = async (
  app,
  { services: { attributeWriter, contactDirectory } },
) => {
  app.patch(
    "/contacts/:contactId/attributes",
    {
      config,
      schema: {
        tags: ["Management API - Contacts"],
        security: [{ apiKey: [] }],
        operationId: "updateContactAttributes",
        summary: "Change a contact's attributes",
        description:
          "Atomic: changes that come at once are made one after another. Unknown keys are created, and what does not fit its key is left out and reported, unless `X-Strict-Mode` is `true`.",
        headers: Headers,
        params: Path,
        body: AttributeChange,
        response: { 200: Outcome, ...BODY_ERRORS, 404: V2Error },
      },
    },
    async ({ principal, params, body, headers }) => {
      const isStrict = readStrictMode(headers["x-strict-mode"]);
      const { contactId, ...meta } = await attributeWriter.change(principal, params.contactId, body, { isStrict });
      return { data: presentOwner(await contactDirectory.get(principal, contactId)), meta };
    },
  );
};

/** Checked here: the hook that checks inputs leaves headers alone. */
function readStrictMode(value: unknown): boolean {
  if (value === undefined || value === "false") return false;
  if (value !== "true") throw invalidField("x-strict-mode", 'Invalid option: expected one of "true"|"false"');
  return true;
}
