/** The operations of the served OpenAPI document, and how to call them. */
import type { FastifyInstance, LightMyRequestResponse } from "fastify";
import { type OperationId, PERMISSIONS, type Permission } from "../../src/http/permissions.ts";
import type { Call, KeyedOperation } from "./calls.ts";

export interface Operation {
  id: OperationId;
  method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  path: string;
  permission: Permission;
}

const isOperation = (id: string): id is OperationId => Object.hasOwn(PERMISSIONS, id);

export function isKeyed(id: OperationId): id is KeyedOperation {
  return ["management", "organization", "vendor"].includes(PERMISSIONS[id].audience);
}

/** Every operation of the document. */
export async function listOperations(app: FastifyInstance): Promise<Operation[]> {
  const document: { paths: Record<string, Record<string, { operationId: string }>> } = (await app.inject("/openapi.json")).json();
  return Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).flatMap(([name, { operationId }]) => {
      const method = name.toUpperCase();
      if (!isOperation(operationId) || !isMethod(method)) throw new Error(`${method} ${path} is not in the table`);
      return [{ id: operationId, method, path, permission: PERMISSIONS[operationId] }];
    }),
  );
}

const isMethod = (method: string): method is Operation["method"] => ["GET", "POST", "PUT", "PATCH", "DELETE"].includes(method);

/** @param key null: none is sent; vendors take it under a scheme of theirs */
export function send(
  app: FastifyInstance,
  { method, path, permission }: Operation,
  key: string | null,
  { path: parameters = {}, query, body, file }: Call,
): Promise<LightMyRequestResponse> {
  const url = path.replace(/\{([^}]+)\}/g, (_, name: string) => parameters[name] ?? "missing");
  const type = file?.type ?? (body && "application/json");
  const payload = file?.text ?? (body && JSON.stringify(body));
  return app.inject({
    method,
    url,
    ...(query && { query }),
    headers: { ...(key !== null && keyHeader(permission, key)), ...(type && { "content-type": type }) },
    ...(payload !== undefined && { payload }),
  });
}

function keyHeader(permission: Permission, key: string): Record<string, string> {
  if (permission.audience !== "vendor") return { "x-api-key": key };
  return { authorization: `${permission.vendor === "sprig" ? "API-Key" : "Token"} ${key}` };
}
