/**
 * One contact's attributes, and two contacts made one. Formbricks has no such routes (management-api-v2 §10.2); envelope and permissions are those
 * of its other management routes (§1, §2).
 */
import type { FastifyPluginAsyncZod } from "fastify-type-provider-zod";
import { z } from "zod";
import type { Services } from "../../../services.ts";
import { ATTRIBUTE_DATA_TYPES } from "../../../shared/attributes.ts";
import { ID_PATTERN } from "../../../shared/ids.ts";
import { invalidField } from "../../../shared/problem.ts";
import { BODY_ERRORS, V2Error, v2Data } from "../envelope.ts";
import { Attributes, ContactDetails } from "./contact.ts";
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

const Id = z.string().regex(ID_PATTERN, "Invalid cuid2");

const Merge = z
  .strictObject({
    from: Id.optional().meta({ description: "Becomes part of the contact of the path" }),
    into: Id.optional().meta({ description: "Of this one the contact of the path becomes a part" }),
    dryRun: z.boolean().default(false).meta({ description: "Only tell what would happen" }),
  })
  .refine(({ from, into }) => (from === undefined) !== (into === undefined), { error: "Either from or into must be given" })
  .meta({ id: "V2ContactMerge", example: { from: "cm5mg4rsa000508l4d9x1k7pw", dryRun: true } });

const MergeResult = z
  .object({
    dryRun: z.boolean(),
    wasMerged: z.boolean().meta({ description: "The two had been merged before" }),
    contact: z
      .object({
        id: z.string(),
        userId: z.string().nullable(),
        email: z.string().nullable(),
        companyId: z.string().nullable().meta({ description: "Our id of its company" }),
        attributes: Attributes,
      })
      .meta({ description: "The contact that goes on, as the merge leaves it" }),
    merged: z
      .object({ id: z.string(), userId: z.string().nullable(), email: z.string().nullable() })
      .meta({ description: "The contact that became part of it; its id and userId go on leading there" }),
    moved: z.object({ displays: z.int(), responses: z.int(), events: z.int() }),
    conflicts: z
      .array(z.object({ key: z.string(), kept: Value, dropped: Value }))
      .meta({ description: "Where both had a value: that of the contact that goes on stays" }),
  })
  .meta({
    id: "V2ContactMergeResult",
    example: {
      dryRun: true,
      wasMerged: false,
      contact: {
        id: "cm5mg4rsa000008l44kqs9w1x",
        userId: "user-42",
        email: "jane@example.com",
        companyId: null,
        attributes: { plan: "pro", source: "ad" },
      },
      merged: { id: "cm5mg4rsa000508l4d9x1k7pw", userId: "anonymous-7", email: null },
      moved: { displays: 3, responses: 1, events: 12 },
      conflicts: [{ key: "plan", kept: "pro", dropped: "free" }],
    },
  });

const Path = z.object({ contactId: Id });

const documentation = { tags: ["Management API - Contacts"] };

/** Who may not change a contact that exists is answered 401 (§2.3). */
const config = { problems: { forbidden: "unauthenticated" } } as const;

export const contactChangeRoutes: FastifyPluginAsyncZod<{ services: Services }> = async (
  app,
  { services: { attributeWriter, contactMerger } },
) => {
  app.patch(
    "/contacts/:contactId/attributes",
    {
      config,
      schema: {
        ...documentation,
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
      const { contact, ...meta } = await attributeWriter.change(principal, params.contactId, body, { isStrict });
      return { data: presentOwner(contact), meta };
    },
  );

  app.post(
    "/contacts/:contactId/merge",
    {
      config,
      schema: {
        ...documentation,
        operationId: "mergeContacts",
        summary: "Make one contact of two",
        description:
          "Displays, responses and events move to the contact that goes on. Where both have a value, its own stays; what it lacks (attributes, userId, email, company) it takes over. Cannot be undone; the ids of the other contact keep leading to it.",
        params: Path,
        body: Merge,
        response: { 200: v2Data(MergeResult), ...BODY_ERRORS, 404: V2Error },
      },
    },
    async ({ principal, params: { contactId }, body: { from, into, dryRun } }) => {
      const pair =
        from === undefined
          ? { survivorId: into ?? contactId, absorbedId: contactId, field: "into" as const }
          : { survivorId: contactId, absorbedId: from, field: "from" as const };
      const outcome = await contactMerger.merge(principal, { ...pair, dryRun });
      const { survivorId, absorbed, moved, conflicts, wasMerged, result } = outcome;
      return { data: { dryRun, wasMerged, contact: { ...result, id: survivorId }, merged: absorbed, moved, conflicts } };
    },
  );
};

/** Checked here: the hook that checks inputs leaves headers alone. */
function readStrictMode(value: unknown): boolean {
  if (value === undefined || value === "false") return false;
  if (value !== "true") throw invalidField("x-strict-mode", 'Invalid option: expected one of "true"|"false"');
  return true;
}
