/** `POST /identify` and `POST /companies/identify`: one user or one company. Source: userpilot-api §4.1, §4.2. */
import type { FastifyPluginAsync } from "fastify";
import { z } from "zod";
import { type IdentifiedContact, VERBATIM_RULES } from "../../contacts/service.ts";
import { acceptAnything } from "../../http/json-body.ts";
import { ERRORS, refusal, refused } from "./envelope.ts";
import { countRequests, readBody, readerOf, TAGS, type UserpilotOptions } from "./options.ts";
import {
  type Attributes,
  checkMembers,
  firstGiven,
  MAX_PROPERTIES,
  readCompany,
  readId,
  readObject,
  readProperties,
  readUser,
} from "./values.ts";

/** Source: userpilot-api §6. */
const BUCKET = { name: "userpilot identify", limit: 600, windowMs: 60_000 };

const Properties = z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()]));

const IdentifyBody = z
  .object({
    user_id: z.union([z.string(), z.number()]).meta({ example: "user-42" }),
    metadata: Properties.nullish().meta({ description: "Merged into the user's properties; null removes one" }),
    company: z
      .looseObject({ company_id: z.string().optional(), id: z.string().optional() })
      .nullish()
      .meta({ description: "The company the user belongs to from now on; its other members are merged into its properties" }),
  })
  .meta({ id: "UserpilotIdentify" });

const CompanyBody = z
  .object({ company_id: z.union([z.string(), z.number()]), metadata: Properties.nullish() })
  .meta({ id: "UserpilotCompanyIdentify" });

/** The answer of every accepted call: nothing. */
export const Accepted = z.object({}).meta({ id: "UserpilotAccepted" });

export const identifyRoutes: FastifyPluginAsync<UserpilotOptions> = async (app, { services, limiter, hidden }) => {
  const { environments, contacts, companies, typeConflicts } = services;
  countRequests(app, limiter, BUCKET);

  app.post(
    "/identify",
    {
      schema: {
        operationId: "userpilotIdentify",
        summary: "Identify a user",
        tags: TAGS,
        hide: hidden,
        body: IdentifyBody,
        response: { 202: Accepted, ...ERRORS },
      },
      validatorCompiler: acceptAnything,
    },
    async (request, reply) => {
      const reader = readerOf(request);
      const body = readBody(request);
      checkMembers(reader, body, ["user_id", "metadata", "company"]);
      const userId = readId(reader, body.user_id, "user_id", "missing_user_id");
      const outer = readCompany(reader, body.company);
      const { attributes, company } = readUser(reader, readObject(reader, body.metadata, "metadata"), outer);
      if (userId === undefined || reader.refusals.length > 0) throw refused(reader.refusals);
      const environment = await environments.configuration(request.environmentId);
      if (environment.attributeKeys.size + attributes.size > MAX_PROPERTIES) await checkRoom(environment.id, userId, attributes);
      const contact = await contacts.identify({ environment, userId, attributes, rules: VERBATIM_RULES, device: null, company });
      if (attributes.has("name") && needsNames(contact)) await contacts.fillNames(environment.id, [userId]);
      typeConflicts.note(contact.notes);
      if (contact.emailTaken) request.log.warn({ contactId: contact.id }, "email address belongs to another contact");
      for (const { kind } of contact.notes) request.log.debug({ contactId: contact.id, kind }, "attribute not stored as sent");
      reply.status(202);
      return {};
    },
  );

  app.post(
    "/companies/identify",
    {
      schema: {
        operationId: "userpilotIdentifyCompany",
        summary: "Identify a company",
        tags: TAGS,
        hide: hidden,
        body: CompanyBody,
        response: { 202: Accepted, ...ERRORS },
      },
      validatorCompiler: acceptAnything,
    },
    async (request, reply) => {
      const reader = readerOf(request);
      const body = readBody(request);
      checkMembers(reader, body, ["company_id", "id", "metadata"]);
      const companyId = readId(reader, firstGiven(body.company_id, body.id), "company_id", "missing_company_id");
      const attributes = readProperties(reader, readObject(reader, body.metadata, "metadata"), "metadata");
      if (companyId === undefined || reader.refusals.length > 0) throw refused(reader.refusals);
      await companies.identify(request.environmentId, { companyId, attributes });
      reply.status(202);
      return {};
    },
  );

  /**
   * A user has no more than {@link MAX_PROPERTIES} over all calls. In an environment with fewer keys nobody can, and what
   * the user has need not be read. Source: userpilot-api §3, §7.
   */
  async function checkRoom(environmentId: string, userId: string, attributes: Attributes): Promise<void> {
    const stored = (await contacts.findByUserId(environmentId, userId))?.attributes ?? {};
    const keys = new Set(Object.keys(stored));
    for (const [key, value] of attributes)
      if (value === null) keys.delete(key);
      else if (key !== "email") keys.add(key);
    if (keys.size > MAX_PROPERTIES)
      throw refusal("limit_exceeded", `A user must not have more than ${MAX_PROPERTIES} properties`);
  }
};

/** Whether the user's name is known only as a whole. Source: userpilot-api §7. */
const needsNames = ({ attributes }: Pick<IdentifiedContact, "attributes">): boolean =>
  typeof attributes.name === "string" && attributes.firstName === undefined && attributes.lastName === undefined;
