/**
 * Segments over HTTP. Formbricks has no such routes (management-api-v2 §10.2); these follow the conventions of its
 * other management routes (§1, §2) and the filter rules of client-api §7.1.
 */
import type { FastifyPluginAsyncZod } from "fastify-type-provider-zod";
import { z } from "zod";
import type { SegmentExplanation } from "../../../segments/management.ts";
import { type ExplainedLeaf, type ExplainedNode, SegmentFiltersInput } from "../../../segments/service.ts";
import type { Services } from "../../../services.ts";
import { ID_PATTERN } from "../../../shared/ids.ts";
import { BODY_ERRORS, QUERY_ERRORS, V2Error, v2Data, v2List } from "../envelope.ts";
import { LIST_PAGE, listQuery } from "../list-query.ts";
import { Contact } from "./contact.ts";
import { listedOwner, OWNER_IN_ANSWER, OWNER_IN_BODY, OWNER_IN_QUERY, presentOwner, resolveOwner } from "./owner.ts";

const Title = z.string().trim().min(1).max(255);

const Segment = z
  .object({
    id: z.string(),
    createdAt: z.date(),
    updatedAt: z.date(),
    title: z.string().meta({ example: "Pro plan" }),
    description: z.string().nullable(),
    isPrivate: z.boolean().meta({ description: "Made for one survey" }),
    filters: z.unknown().meta({ description: "As written" }),
    surveys: z.array(z.string()).meta({ description: "Ids of the surveys shown to the segment" }),
    ...OWNER_IN_ANSWER,
  })
  .meta({ id: "V2Segment" });

const SegmentCreate = z.object({
  ...OWNER_IN_BODY,
  title: Title,
  description: z.string().nullish(),
  isPrivate: z.boolean().optional(),
  filters: SegmentFiltersInput,
});

const SegmentUpdate = z.object({
  title: Title.optional(),
  description: z.string().nullish(),
  isPrivate: z.boolean().optional(),
  filters: SegmentFiltersInput.optional(),
});

const Leaf = z
  .object({
    id: z.string().nullable(),
    root: z.string().meta({ example: "attribute" }),
    about: z.string().nullable().meta({ description: "The attribute key, person identifier or segment id in question" }),
    operator: z.string().meta({ example: "equals" }),
    value: z.unknown().meta({ description: "Of the filter" }),
    contactValue: z
      .union([z.string(), z.number(), z.boolean()])
      .nullable()
      .meta({ description: "The attribute (null: not set), the device, the number of displays or responses, or the membership" }),
    matches: z.boolean(),
    get segment() {
      return NestedSegment.optional();
    },
  })
  .meta({ id: "V2SegmentLeaf", description: "One filter, and what it makes of the contact" });
type WireLeaf = z.output<typeof Leaf>;

const NestedSegment = z
  .object({
    segmentId: z.string(),
    matches: z.boolean(),
    get decidedBy(): z.ZodNullable<typeof Leaf> {
      return Leaf.nullable();
    },
    issues: z.array(z.string()),
  })
  .meta({ id: "V2NestedSegment" });

interface WireGroup {
  matches: boolean;
  anyOf: { matches: boolean; allOf: (WireLeaf | WireGroup)[] }[];
}

const Group: z.ZodType<WireGroup> = z
  .object({
    matches: z.boolean(),
    anyOf: z.array(z.object({ matches: z.boolean(), allOf: z.array(z.union([Leaf, z.lazy(() => Group)])) })),
  })
  .meta({ id: "V2SegmentGroup", description: "True when all filters of any alternative are; without any, true" });

const Explanation = z
  .object({
    segmentId: z.string(),
    contactId: z.string(),
    userId: z.string().nullable(),
    evaluatedAt: z.date(),
    matches: z.boolean(),
    decidedBy: Leaf.nullable().meta({ description: "The filter at which the result became certain; null without filters" }),
    issues: z.array(z.string()).meta({ description: "What is wrong with the segment itself" }),
    tree: Group.nullable().meta({ description: "Every filter; null when the segment cannot be evaluated" }),
  })
  .meta({ id: "V2SegmentExplanation" });

const Path = z.object({ segmentId: z.string().regex(ID_PATTERN, "Invalid cuid2") });

const ExplainQuery = z
  .object({
    contactId: z.string().optional(),
    userId: z.string().optional(),
    device: z
      .enum(["phone", "desktop"])
      .optional()
      .meta({ description: "For filters about the device, which are false without" }),
  })
  .refine(({ contactId, userId }) => contactId !== undefined || userId !== undefined, {
    path: ["contactId"],
    error: "Either contactId or userId must be provided",
  });

const documentation = { tags: ["Management API - Segments"] };

/** Who may not see a segment that exists is answered 401 (§2.3). */
const config = { problems: { forbidden: "unauthenticated" } } as const;

export const segmentRoutes: FastifyPluginAsyncZod<{ services: Services }> = async (
  app,
  { services: { environments, segmentManagement: segments } },
) => {
  app.get(
    "/segments",
    {
      schema: {
        ...documentation,
        operationId: "getSegments",
        summary: "Get segments",
        querystring: listQuery(OWNER_IN_QUERY),
        response: { 200: v2List(Segment), ...QUERY_ERRORS },
      },
    },
    async ({ principal, query }) => {
      const environmentId = await listedOwner(environments, principal, query);
      const { rows, total } = await segments.list(principal, { ...query, environmentId });
      return { data: rows.map(presentOwner), meta: { total, limit: query.limit, offset: query.skip } };
    },
  );

  app.post(
    "/segments",
    {
      preValidation: resolveOwner(environments),
      schema: {
        ...documentation,
        operationId: "createSegment",
        summary: "Create a segment",
        body: SegmentCreate,
        response: { 201: v2Data(Segment), ...BODY_ERRORS, 403: V2Error, 404: V2Error, 409: V2Error },
      },
    },
    async ({ principal, body }, reply) => reply.status(201).send({ data: presentOwner(await segments.create(principal, body)) }),
  );

  app.get(
    "/segments/:segmentId",
    {
      config,
      schema: {
        ...documentation,
        operationId: "getSegment",
        summary: "Get a segment",
        params: Path,
        response: { 200: v2Data(Segment), ...QUERY_ERRORS, 404: V2Error },
      },
    },
    async ({ principal, params }) => ({ data: presentOwner(await segments.get(principal, params.segmentId)) }),
  );

  app.patch(
    "/segments/:segmentId",
    {
      config,
      schema: {
        ...documentation,
        operationId: "updateSegment",
        summary: "Update a segment",
        params: Path,
        body: SegmentUpdate,
        response: { 200: v2Data(Segment), ...BODY_ERRORS, 404: V2Error, 409: V2Error },
      },
    },
    async ({ principal, params, body }) => ({ data: presentOwner(await segments.update(principal, params.segmentId, body)) }),
  );

  app.delete(
    "/segments/:segmentId",
    {
      config,
      schema: {
        ...documentation,
        operationId: "deleteSegment",
        summary: "Delete a segment that nothing uses",
        params: Path,
        response: { 200: v2Data(Segment), ...QUERY_ERRORS, 404: V2Error, 409: V2Error },
      },
    },
    async ({ principal, params }) => ({ data: presentOwner(await segments.remove(principal, params.segmentId)) }),
  );

  app.get(
    "/segments/:segmentId/contacts",
    {
      config,
      schema: {
        ...documentation,
        operationId: "getSegmentContacts",
        summary: "Get the contacts of a segment, newest first",
        params: Path,
        querystring: z.object(LIST_PAGE),
        response: { 200: v2List(Contact), ...QUERY_ERRORS, 404: V2Error },
      },
    },
    async ({ principal, params, query }) => {
      const { segment, rows, total } = await segments.listContacts(principal, params.segmentId, query);
      const data = rows.map((row) => presentOwner({ ...row, environmentId: segment.environmentId }));
      return { data, meta: { total, limit: query.limit, offset: query.skip } };
    },
  );

  app.get(
    "/segments/:segmentId/count",
    {
      config,
      schema: {
        ...documentation,
        operationId: "countSegmentContacts",
        summary: "Count the contacts of a segment",
        params: Path,
        response: { 200: v2Data(z.object({ count: z.int() })), ...QUERY_ERRORS, 404: V2Error },
      },
    },
    async ({ principal, params }) => ({ data: { count: await segments.countContacts(principal, params.segmentId) } }),
  );

  app.get(
    "/segments/:segmentId/explain",
    {
      config,
      schema: {
        ...documentation,
        operationId: "explainSegment",
        summary: "Why a contact is in a segment, or is not",
        params: Path,
        querystring: ExplainQuery,
        response: { 200: v2Data(Explanation), ...QUERY_ERRORS, 404: V2Error },
      },
    },
    async ({ principal, params, query }) => ({
      data: presentExplanation(await segments.explain(principal, params.segmentId, query, query.device ?? null)),
    }),
  );
};

function presentExplanation({ contact, at, explanation }: SegmentExplanation): z.output<typeof Explanation> {
  const { segmentId, result, decidedBy, issues, tree } = explanation;
  return {
    segmentId,
    contactId: contact.id,
    userId: contact.userId,
    evaluatedAt: at,
    matches: result,
    decidedBy: decidedBy && presentLeaf(decidedBy),
    issues: [...issues],
    tree: tree && presentGroup(tree),
  };
}

/** A leaf about another segment tells what decided there, not that segment's whole tree: trees may share segments. */
function presentLeaf({ type: _type, result, segment, ...leaf }: ExplainedLeaf): WireLeaf {
  if (!segment) return { ...leaf, matches: result };
  const { segmentId, decidedBy, issues } = segment;
  return {
    ...leaf,
    matches: result,
    segment: { segmentId, matches: segment.result, decidedBy: decidedBy && presentLeaf(decidedBy), issues: [...issues] },
  };
}

function presentGroup({ result, alternatives }: Extract<ExplainedNode, { type: "group" }>): WireGroup {
  return {
    matches: result,
    anyOf: alternatives.map((alternative) => ({
      matches: alternative.result,
      allOf: alternative.filters.map((node) => (node.type === "leaf" ? presentLeaf(node) : presentGroup(node))),
    })),
  };
}
