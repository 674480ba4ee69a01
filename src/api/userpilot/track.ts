/** `POST /track`: one event. Source: userpilot-api §4.3. */
import type { FastifyPluginAsync, FastifyRequest } from "fastify";
import { z } from "zod";
import { acceptAnything } from "../../http/json-body.ts";
import { ERRORS, refused } from "./envelope.ts";
import { Accepted } from "./identify.ts";
import { countRequests, readBody, readerOf, SOURCE, TAGS, type UserpilotOptions } from "./options.ts";
import {
  type CompanyValue,
  checkMembers,
  firstGiven,
  hasCompanyId,
  isObject,
  type Reader,
  readCompany,
  readEventProperties,
  readId,
  readObject,
  timeOf,
} from "./values.ts";

/** Source: userpilot-api §6. */
const BUCKET = { name: "userpilot track", limit: 600, windowMs: 60_000 };

const TrackBody = z
  .object({
    user_id: z.union([z.string(), z.number()]),
    event_name: z.string().meta({ example: "Upgraded plan" }),
    metadata: z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()])).nullish(),
    message_id: z.string().optional().meta({ description: "The same event again within 24 hours is not stored" }),
  })
  .meta({ id: "UserpilotTrack" });

const MEMBERS = ["user_id", "event_name", "event", "metadata", "timestamp", "company", "message_id", "messageId"];

export const trackRoute: FastifyPluginAsync<UserpilotOptions> = async (app, { services, config, limiter, hidden }) => {
  const { environments, events } = services;
  countRequests(app, limiter, BUCKET);

  app.post(
    "/track",
    {
      schema: {
        operationId: "userpilotTrack",
        summary: "Track an event",
        description: "The header `Idempotency-Key` or the member `message_id` keeps a repeated event from being stored twice.",
        tags: TAGS,
        hide: hidden,
        body: TrackBody,
        response: { 202: Accepted, ...ERRORS },
      },
      validatorCompiler: acceptAnything,
    },
    async (request, reply) => {
      const reader = readerOf(request);
      const body = readBody(request);
      checkMembers(reader, body, MEMBERS);
      const userId = readId(reader, body.user_id, "user_id", "missing_user_id");
      const name = readId(reader, firstGiven(body.event_name, body.event), "event_name", "missing_event_name");
      const metadata = readObject(reader, body.metadata, "metadata");
      const properties = readEventProperties(reader, metadata);
      const company = readMembership(reader, body.company);
      const messageId = messageIdOf(request, body);
      if (userId === undefined || name === undefined || reader.refusals.length > 0) throw refused(reader.refusals);
      const outcome = await events.track({
        environment: await environments.configuration(request.environmentId),
        userId,
        name,
        occurredAt: timeOf(metadata.timestamp) ?? timeOf(body.timestamp) ?? Date.now(),
        properties,
        source: SOURCE,
        company,
        createsContact: config.USERPILOT_TRACK_CREATES_USERS,
        sameAs: messageId === undefined ? undefined : { messageId },
      });
      if (outcome !== "stored") request.log.debug({ outcome }, "event not stored");
      reply.status(202);
      return {};
    },
  );
};

/** A company without id is ignored here: the call is about the event. */
function readMembership(reader: Reader, company: unknown): CompanyValue | undefined {
  return isObject(company) && hasCompanyId(company) ? readCompany(reader, company) : undefined;
}

function messageIdOf({ headers }: FastifyRequest, { message_id, messageId }: Record<string, unknown>): string | undefined {
  const given = firstGiven(headers["idempotency-key"], message_id, messageId);
  const text = typeof given === "number" ? String(given) : given;
  return typeof text === "string" && text.trim() !== "" ? text : undefined;
}
