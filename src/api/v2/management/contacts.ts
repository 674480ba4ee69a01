/**
 * Contacts. Source: management-api-v2 §5.8. Formbricks has no delete in this generation (§10.2); ours follows the
 * conventions of the other management routes. How contacts are read is in `contacts-read.ts`.
 */
import type { FastifyPluginAsyncZod } from "fastify-type-provider-zod";
import { z } from "zod";
import type { Services } from "../../../services.ts";
import { ID_PATTERN } from "../../../shared/ids.ts";
import { BODY_ERRORS, QUERY_ERRORS, V2Error, v2Data } from "../envelope.ts";
import { Contact } from "./contact.ts";
import { OWNER_IN_ANSWER, OWNER_IN_BODY, presentOwner, resolveOwner } from "./owner.ts";

/** What the database can index, and identify takes. */
const MAX_IDENTIFIER_LENGTH = 255;
const MAX_CONTACTS = 250;

const isEmail = (text: string): boolean => text.length <= MAX_IDENTIFIER_LENGTH && z.email().safeParse(text).success;

const NewContact = z
  .object({
    id: z.string(),
    createdAt: z.date(),
    ...OWNER_IN_ANSWER,
    attributes: z.record(z.string(), z.string()).meta({ description: "As they were sent" }),
  })
  .meta({ id: "V2NewContact" });

const ContactCreate = z.object({
  ...OWNER_IN_BODY,
  attributes: z
    .record(z.string(), z.string())
    .superRefine(({ email, userId }, context) => {
      if (!email) context.addIssue("Email attribute is required");
      else if (!isEmail(email)) context.addIssue("Invalid email format");
      if ((userId ?? "").length > MAX_IDENTIFIER_LENGTH)
        context.addIssue(`userId must not exceed ${MAX_IDENTIFIER_LENGTH} characters`);
    })
    .meta({ example: { email: "jane@example.com", plan: "pro" } }),
});

const UploadedContact = z.object({
  attributes: z.array(z.object({ attributeKey: z.object({ key: z.string(), name: z.string() }), value: z.string() })),
});
type UploadedContact = z.output<typeof UploadedContact>;

const ContactUpload = z.object({
  ...OWNER_IN_BODY,
  contacts: z
    .array(UploadedContact)
    .max(MAX_CONTACTS, `Maximum ${MAX_CONTACTS} contacts allowed at a time.`)
    .superRefine((contacts, context) => {
      for (const [index, contact] of contacts.entries()) checkUploaded(contact, index, context);
      for (const [key, noun] of [
        ["email", "Emails"],
        ["userId", "UserIds"],
      ] as const) {
        const duplicates = duplicatesOf(contacts.map((contact) => textOf(contact, key)).filter((text) => text !== undefined));
        if (duplicates.length > 0)
          addIssue(context, `Duplicate ${key}s found in the records, please ensure each ${key} is unique.`, {
            [`duplicate${noun}`]: duplicates,
          });
      }
    }),
});

type Refinement = z.core.$RefinementCtx;

function checkUploaded(contact: UploadedContact, index: number, context: Refinement): void {
  const [email, userId] = [textOf(contact, "email"), textOf(contact, "userId")];
  if (email === undefined) addIssue(context, `Email attribute is required for contact at index ${index}`);
  else if (!isEmail(email)) addIssue(context, `Invalid email format for contact at index ${index}`);
  if (userId !== undefined && userId.length > MAX_IDENTIFIER_LENGTH)
    addIssue(context, `userId must not exceed ${MAX_IDENTIFIER_LENGTH} characters for contact at index ${index}`);
  const duplicateKeys = duplicatesOf(contact.attributes.map(({ attributeKey }) => attributeKey.key));
  if (duplicateKeys.length > 0)
    addIssue(
      context,
      `Duplicate attribute keys found for contact at index ${index}. Please ensure each attribute key is unique`,
      { duplicateKeys, contactIndex: index },
    );
}

/** Params become the issue's `meta` in the answer. */
function addIssue(context: Refinement, message: string, params?: Record<string, unknown>): void {
  context.addIssue({ code: "custom", message, input: context.value, ...(params && { params }) });
}

/** Blank counts as absent. */
const textOf = ({ attributes }: UploadedContact, key: string): string | undefined =>
  attributes.find(({ attributeKey }) => attributeKey.key === key)?.value || undefined;

function duplicatesOf(texts: string[]): string[] {
  const seen = new Set<string>();
  return [...new Set(texts.filter((text) => seen.size === seen.add(text).size))];
}

const UploadResult = z
  .object({
    status: z.literal("success"),
    message: z.string(),
    meta: z.object({ skippedContacts: z.array(z.object({ index: z.int(), userId: z.string() })) }).optional(),
  })
  .meta({ id: "V2ContactUploadResult" });

const Path = z.object({ contactId: z.string().regex(ID_PATTERN, "Invalid cuid2") });

const documentation = { tags: ["Management API - Contacts"] };

/** Who may not see a contact that exists is answered 401 (§2.3). */
const config = { problems: { forbidden: "unauthenticated" } } as const;

export const contactRoutes: FastifyPluginAsyncZod<{ services: Services }> = async (
  app,
  { services: { contactManagement: contacts, environments } },
) => {
  app.post(
    "/contacts",
    {
      preValidation: resolveOwner(environments),
      schema: {
        ...documentation,
        operationId: "createContact",
        summary: "Create a contact",
        body: ContactCreate,
        response: { 201: v2Data(NewContact), ...BODY_ERRORS, 403: V2Error, 404: V2Error, 409: V2Error },
      },
    },
    async ({ principal, body }, reply) => {
      const contact = await contacts.create(principal, body);
      return reply.status(201).send({ data: { ...presentOwner(contact), attributes: body.attributes } });
    },
  );

  app.put(
    "/contacts/bulk",
    {
      preValidation: resolveOwner(environments),
      schema: {
        ...documentation,
        operationId: "uploadBulkContacts",
        summary: "Create or update contacts, found by their e-mail addresses",
        body: ContactUpload,
        response: { 200: v2Data(UploadResult), 207: v2Data(UploadResult), ...BODY_ERRORS, 403: V2Error, 404: V2Error },
      },
    },
    async ({ principal, body: { environmentId, contacts: uploaded } }, reply) => {
      const { skipped } = await contacts.upload(principal, { environmentId, contacts: uploaded.map(toAttributes) });
      if (skipped.length > 0) reply.status(207);
      return { data: presentUpload(skipped) };
    },
  );

  app.delete(
    "/contacts/:contactId",
    {
      config,
      schema: {
        ...documentation,
        operationId: "deleteContact",
        summary: "Delete a contact with its displays and responses",
        params: Path,
        response: { 200: v2Data(Contact), ...QUERY_ERRORS, 404: V2Error },
      },
    },
    async ({ principal, params }) => ({ data: presentOwner(await contacts.remove(principal, params.contactId)) }),
  );
};

const toAttributes = ({ attributes }: UploadedContact) =>
  attributes.map(({ attributeKey: { key, name }, value }) => ({ key, name, value }));

const presentUpload = (skippedContacts: { index: number; userId: string }[]): z.output<typeof UploadResult> =>
  skippedContacts.length === 0
    ? { status: "success", message: "Contacts bulk upload successful" }
    : {
        status: "success",
        message: "Contacts bulk upload partially successful. Some contacts were skipped due to conflicting userIds.",
        meta: { skippedContacts },
      };
