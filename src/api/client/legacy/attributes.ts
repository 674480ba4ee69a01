/**
 * `PUT /contacts/{userId}/attributes` (December 2024 to February 2026) and `PUT /people/{userId}/attributes` (2024):
 * attributes, all of them texts, of one contact. Source: client-api §16.5.
 */

import { isDeepStrictEqual } from "node:util";
import type { FastifyPluginAsync } from "fastify";
import { z } from "zod";
import type { FoundContact, IdentifiedContact } from "../../../contacts/service.ts";
import { acceptAnything, parseJson } from "../../../http/json-body.ts";
import { invalid, Problem } from "../../../shared/problem.ts";
import { deviceOf } from "../../../shared/user-agent.ts";
import { ClientError, clientData } from "../envelope.ts";
import { ATTRIBUTE_RULES, describeNotes, parseAttributes, parseUserId } from "../identify.ts";
import { type ClientApiOptions, countRequest } from "../options.ts";
import { requireUserSignature } from "../user-signature.ts";
import { LegacyParams, type LegacyRoute } from "./route.ts";

const AttributesBody = z.object({ attributes: z.record(z.string(), z.string()) }).meta({ id: "LegacyAttributes" });

const AttributesAnswer = z
  .object({ changed: z.boolean(), message: z.string(), messages: z.array(z.string()).optional() })
  .meta({ id: "LegacyAttributesAnswer" });

export const legacyAttributeRoutes: FastifyPluginAsync<ClientApiOptions> = async (app, { generation, services, limiter }) => {
  const { contacts, environments } = services;
  register({ noun: "contacts", createsContact: false });
  if (generation === "v1") register({ noun: "people", createsContact: true });

  function register({ noun, createsContact }: { noun: "contacts" | "people"; createsContact: boolean }): void {
    app.put<LegacyRoute>(
      `/:environmentId/${noun}/:userId/attributes`,
      {
        schema: {
          operationId: `${generation}Set${noun === "people" ? "Person" : "Contact"}Attributes`,
          summary: "Set attributes (older SDKs)",
          tags: ["Client API - older SDKs"],
          deprecated: true,
          params: LegacyParams,
          body: AttributesBody,
          response: {
            200: clientData(AttributesAnswer),
            400: ClientError,
            401: ClientError,
            403: ClientError,
            404: ClientError,
            413: ClientError,
            429: ClientError,
            500: ClientError,
            503: ClientError,
          },
        },
        validatorCompiler: acceptAnything,
      },
      async (request) => {
        await countRequest(limiter, request);
        const environment = await environments.configuration(request.params.environmentId);
        const json = parseJson(request.body);
        const attributes = parseBody(json);
        const userId = parseUserId(request.params.userId);
        requireUserSignature(environment, userId, request, json);
        const before = await contacts.findByUserId(environment.id, userId);
        if (before === null && !createsContact) throw contactNotFound(userId);
        const device = deviceOf(request.headers["user-agent"]);
        const after = await contacts.identify({ environment, userId, attributes, rules: ATTRIBUTE_RULES, device });
        return { data: present(before, after) };
      },
    );
  }
};

function parseBody(body: unknown) {
  const { success, data, error } = AttributesBody.safeParse(body);
  if (success) return parseAttributes(data.attributes);
  const issues = error.issues.map(({ path, message }) => ({ field: path.join("."), issue: message }));
  throw invalid("Fields are missing or incorrectly formatted", { issues });
}

/** This contract writes the type small here. */
const contactNotFound = (userId: string) =>
  new Problem("not_found", "contact not found", { details: { resource_id: userId, resource_type: "contact" } });

function present(before: FoundContact | null, after: IdentifiedContact): z.output<typeof AttributesAnswer> {
  const isSame = before?.email === after.email && isDeepStrictEqual(before.attributes, after.attributes);
  const { messages, errors } = describeNotes(after.notes);
  const notes = [...messages, ...errors];
  return {
    changed: !isSame,
    message: isSame ? "The contact is up to date; nothing was written." : "The contact was updated.",
    ...(notes.length > 0 && { messages: notes }),
  };
}
