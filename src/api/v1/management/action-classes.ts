/** Action classes, v1 management. Source: management-api-v1 §3. */
import type { FastifyPluginAsyncZod } from "fastify-type-provider-zod";
import { z } from "zod";
import { ActionClassInput } from "../../../action-classes/service.ts";
import type { Services } from "../../../services.ts";
import { BODY_ERRORS, ITEM_ERRORS, LIST_ERRORS, V1Error, v1Data } from "../envelope.ts";
import { presentActionClass, V1ActionClass } from "./present-action-class.ts";
import { parseBody, parseFields, requireRowId, requireWritableEnvironment } from "./requests.ts";
import { tenantInput } from "./tenant.ts";

const Updated = V1ActionClass.extend({ surveyTriggers: z.array(z.object({ surveyId: z.string() })) });

const Body = z.intersection(ActionClassInput, z.object(tenantInput));

const Path = z.object({ actionClassId: z.string() });

const documentation = { tags: ["Management API - Action Classes"] };

export const actionClassRoutes: FastifyPluginAsyncZod<{ services: Services }> = async (
  app,
  { services: { actionClasses, environments } },
) => {
  app.get(
    "/action-classes",
    {
      schema: {
        ...documentation,
        operationId: "getActionClasses",
        summary: "Get action classes",
        description: "Those of every environment the key may use, oldest first.",
        response: { 200: v1Data(z.array(V1ActionClass)), ...LIST_ERRORS },
      },
    },
    async ({ principal }) => ({ data: (await actionClasses.list(principal)).map(presentActionClass) }),
  );

  app.post(
    "/action-classes",
    {
      schema: {
        ...documentation,
        operationId: "createActionClass",
        summary: "Create an action class",
        body: Body,
        response: { 200: v1Data(V1ActionClass), ...BODY_ERRORS, 404: V1Error, 409: V1Error },
      },
    },
    async ({ principal, body: bytes }) => {
      const body = parseBody(bytes);
      const environmentId = await requireWritableEnvironment(environments, principal, body);
      const actionClass = await actionClasses.create(principal, environmentId, parseFields(ActionClassInput, body));
      return { data: presentActionClass(actionClass) };
    },
  );

  app.get(
    "/action-classes/:actionClassId",
    {
      schema: {
        ...documentation,
        operationId: "getActionClass",
        summary: "Get an action class",
        params: Path,
        response: { 200: v1Data(V1ActionClass), ...ITEM_ERRORS },
      },
    },
    async ({ principal, params: { actionClassId } }) => {
      requireRowId(actionClassId);
      return { data: presentActionClass(await actionClasses.get(principal, actionClassId, "read")) };
    },
  );

  app.put(
    "/action-classes/:actionClassId",
    {
      schema: {
        ...documentation,
        operationId: "updateActionClass",
        summary: "Replace an action class",
        description: "The environment must be named again; it does not change.",
        params: Path,
        body: Body,
        response: { 200: v1Data(Updated), ...BODY_ERRORS, 404: V1Error, 409: V1Error },
      },
    },
    async ({ principal, params: { actionClassId }, body: bytes }) => {
      requireRowId(actionClassId);
      await actionClasses.get(principal, actionClassId, "write");
      const body = parseBody(bytes);
      await requireWritableEnvironment(environments, principal, body);
      const { actionClass, surveyIds } = await actionClasses.update(
        principal,
        actionClassId,
        parseFields(ActionClassInput, body),
      );
      return { data: { ...presentActionClass(actionClass), surveyTriggers: surveyIds.map((surveyId) => ({ surveyId })) } };
    },
  );

  app.delete(
    "/action-classes/:actionClassId",
    {
      schema: {
        ...documentation,
        operationId: "deleteActionClass",
        summary: "Delete an action class",
        description: "It triggers no survey any more.",
        params: Path,
        response: { 200: v1Data(V1ActionClass), ...ITEM_ERRORS },
      },
    },
    async ({ principal, params: { actionClassId } }) => {
      requireRowId(actionClassId);
      return { data: presentActionClass(await actionClasses.remove(principal, actionClassId)) };
    },
  );
};
