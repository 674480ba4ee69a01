/** Links to a survey that are one contact's own. Source: management-api-v2 §5.11. */
import type { FastifyPluginAsyncZod } from "fastify-type-provider-zod";
import { z } from "zod";
import type { SegmentContactLink } from "../../../contact-links/service.ts";
import type { Services } from "../../../services.ts";
import { ID_PATTERN } from "../../../shared/ids.ts";
import type { Principal } from "../../../shared/principal.ts";
import { Problem, unauthenticated } from "../../../shared/problem.ts";
import { QUERY_ERRORS, V2Error, v2Data, v2List } from "../envelope.ts";
import { LIST_PAGE } from "../list-query.ts";

const Link = z
  .object({
    surveyUrl: z.string().meta({ example: "https://forms.example.com/c/eyJhbGciOiJIUzI1NiJ9.e30.c2ln" }),
    expiresAt: z.date().nullable(),
  })
  .meta({ id: "V2ContactLink" });

const SegmentLink = z
  .object({
    contactId: z.string(),
    attributes: z.record(z.string(), z.string()).optional().meta({ description: "Absent when there are none" }),
    surveyUrl: z.string(),
    expiresAt: z.date().nullable(),
  })
  .meta({ id: "V2SegmentContactLink" });

const Id = z.string().regex(ID_PATTERN, "Invalid cuid2");

const Days = z.coerce.number().min(1).max(365).meta({ description: "Days until the links expire; never when absent" });

const MAX_KEYS = 20;
const AttributeKeys = z
  .string()
  .transform((text) => [...new Set(text.split(",").map((key) => key.trim()))].filter((key) => key !== ""))
  .pipe(z.array(z.string()).max(MAX_KEYS, `You can have max ${MAX_KEYS} keys.`))
  .optional()
  .meta({ type: "string", description: "Attributes to show, separated by commas" });

const documentation = { tags: ["Management API - Surveys - Contact Links"] };

export const contactLinkRoutes: FastifyPluginAsyncZod<{ services: Services }> = async (app, { services: { contactLinks } }) => {
  // The contract's own path ends with a slash, its clients leave it out.
  for (const url of [
    "/surveys/:surveyId/contact-links/contacts/:contactId/",
    "/surveys/:surveyId/contact-links/contacts/:contactId",
  ])
    app.get(
      url,
      {
        schema: {
          ...documentation,
          operationId: "getPersonalizedSurveyLink",
          summary: "Make a contact's link to a survey",
          hide: !url.endsWith("/"),
          params: z.object({ surveyId: Id, contactId: Id }),
          querystring: z.object({ expirationDays: Days.int().optional() }),
          response: { 200: v2Data(Link), ...QUERY_ERRORS, 400: V2Error, 404: V2Error },
        },
      },
      async ({ principal, params, query }) => {
        const survey = await findSurvey(principal, params.surveyId);
        return { data: await contactLinks.createForContact(survey, params.contactId, query) };
      },
    );

  app.get(
    "/surveys/:surveyId/contact-links/segments/:segmentId",
    {
      schema: {
        ...documentation,
        operationId: "getContactLinksBySegment",
        summary: "Make links to a survey for the contacts of a segment",
        params: z.object({ surveyId: Id, segmentId: Id }),
        querystring: z.object({ ...LIST_PAGE, expirationDays: Days.optional(), attributeKeys: AttributeKeys }),
        response: { 200: v2List(SegmentLink), ...QUERY_ERRORS, 400: V2Error, 403: V2Error, 404: V2Error },
      },
    },
    async ({ principal, params, query }) => {
      const survey = await findSurvey(principal, params.surveyId);
      const request = { ...query, attributeKeys: query.attributeKeys ?? [] };
      const { links, total } = await contactLinks.createForSegment(survey, params.segmentId, request);
      return { data: links.map(presentLink), meta: { total, limit: query.limit, offset: query.skip } };
    },
  );

  /** Who may not read the survey is answered 401, while 403 is about the survey itself. */
  async function findSurvey(principal: Principal, surveyId: string) {
    try {
      return await contactLinks.findSurvey(principal, surveyId);
    } catch (error) {
      if (error instanceof Problem && error.kind === "forbidden") throw unauthenticated();
      throw error;
    }
  }
};

const presentLink = ({ contactId, attributes, surveyUrl, expiresAt }: SegmentContactLink) => ({
  contactId,
  ...(Object.keys(attributes).length > 0 && { attributes }),
  surveyUrl,
  expiresAt,
});
