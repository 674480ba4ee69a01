/** Requests for an operation: a call that succeeds, one made from the document's schemas, and either of them spoilt. */
import fc from "fast-check";
import type { InjectOptions } from "fastify";
import { CALLS, type Call } from "../permissions/calls.ts";
import type { Ids } from "../permissions/objects.ts";
import { isKeyed } from "../permissions/operations.ts";
import type { Json, Operation } from "./document.ts";
import { applyChanges, type Change, changes, urlText, valueFor } from "./values.ts";

/** What a request is made of, apart from the ids that only exist when it is sent. */
export interface Plan {
  /** Absent: the call that succeeds. */
  body?: { json: Json } | undefined;
  changes: readonly Change[];
  path: Record<string, string>;
  query: [name: string, value: string][];
  /** Sent in place of the JSON. */
  raw?: string | undefined;
  contentType: string;
  key: "good" | "none" | "unknown";
  idempotencyKey?: string | undefined;
  /** Appended to the address as it is. */
  tail: string;
}

export interface Caller {
  ids: Ids;
  displayId: string;
  apiKey: string;
}

const often = <Value>(usual: Value, ...others: Value[]): fc.Arbitrary<Value> =>
  fc.oneof({ weight: 12, arbitrary: fc.constant(usual) }, { weight: 1, arbitrary: fc.constantFrom(usual, ...others) });

const RAW_BODIES = ["", "{", "[1,2", "null", '"text"', "\u0000", '{"a":1e999}', '{"a":1,"a":2}', "a=1&b=2", "user_id,plan\n1"];

/** @param ids what members that name something may hold */
export function planFor(operation: Operation, ids: readonly string[]): fc.Arbitrary<Plan> {
  const { parameters, body } = operation;
  const path = parameters.filter((parameter) => parameter.in === "path").map(({ name }) => name);
  const query = parameters.filter((parameter) => parameter.in === "query");
  return fc.record({
    body: body
      ? fc.option(
          valueFor(body.schema, ids).map((json) => ({ json })),
          { nil: undefined, freq: 1 },
        )
      : fc.constant(undefined),
    changes: fc.oneof({ weight: 1, arbitrary: fc.constant<Change[]>([]) }, { weight: 2, arbitrary: changes }),
    path: spoilt(path, ids),
    query: fc
      .tuple(...query.map(({ name, schema }) => fc.option(queryValue(name, valueFor(schema, ids, 0, name)), { freq: 2 })))
      .map((all) => all.filter((pair) => pair !== null)),
    raw: body ? fc.option(fc.constantFrom(...RAW_BODIES), { nil: undefined, freq: 12 }) : fc.constant(undefined),
    contentType: often("application/json", "text/plain", "application/xml", "", "application/json; charset=latin1"),
    key: often<Plan["key"]>("good", "none", "unknown"),
    idempotencyKey: fc.option(
      urlText.filter((key) => /^[\x20-\x7e]+$/.test(key)),
      { nil: undefined, freq: 12 },
    ),
    tail: often("", "?%ff=%00", "?%", "?a[b]=1&a[b]=2"),
  });
}

const queryValue = (name: string, value: fc.Arbitrary<Json>): fc.Arbitrary<[string, string]> =>
  fc.tuple(fc.constant(name), fc.oneof({ weight: 4, arbitrary: value.map(toQueryText) }, { weight: 1, arbitrary: urlText }));

const toQueryText = (value: Json): string => (typeof value === "string" ? value : JSON.stringify(value)).slice(0, 2_000);

/** For one in some requests, something else in the place of an id. */
function spoilt(names: readonly string[], ids: readonly string[]): fc.Arbitrary<Record<string, string>> {
  if (names.length === 0) return fc.constant({});
  // A dot, two of them or nothing would be another path, and what is longer is none (test/http/bad-addresses.test.ts).
  const other = fc.oneof(
    fc.constantFrom(...ids),
    urlText.filter((value) => !/^\.{0,2}$/.test(value) && value.length <= 500),
  );
  return fc.oneof(
    { weight: 4, arbitrary: fc.constant({}) },
    { weight: 1, arbitrary: fc.tuple(fc.constantFrom(...names), other).map(([name, value]) => ({ [name]: value })) },
  );
}

/** The call that succeeds, for operations with and without a key. */
function callFor({ id, path, body }: Operation, { ids, displayId }: Caller): Call {
  if (isKeyed(id)) return CALLS[id](ids);
  const own: Record<string, string> = {
    environmentId: ids.environment,
    displayId,
    responseId: ids.response,
    userId: ids.userId,
    surveyId: ids.survey,
    filePath: "a.png",
  };
  const names = [...path.matchAll(/\{([^}]+)\}/g)].map(([, name = ""]) => name);
  const example = body?.example;
  return {
    path: Object.fromEntries(names.map((name) => [name, own[name] ?? "missing"])),
    ...(typeof example === "object" && example !== null && { body: withIds(example, own) }),
  };
}

/** The document's example, with ids that there are. */
function withIds(example: object, own: Record<string, string>): object {
  return Object.fromEntries(Object.entries(example).map(([name, value]) => [name, own[name] ?? value]));
}

const toJson = (value: object): Json => JSON.parse(JSON.stringify(value));

export function requestOf(operation: Operation, plan: Plan, caller: Caller): InjectOptions {
  const call = callFor(operation, caller);
  const path = operation.path.replace(/\{([^}]+)\}/g, (_, name: string) =>
    encodeURIComponent(plan.path[name] ?? call.path?.[name] ?? "missing"),
  );
  const query = new URLSearchParams({ ...call.query, ...Object.fromEntries(plan.query) }).toString();
  const url = plan.tail === "" ? `${path}${query && `?${query}`}` : `${path}${plan.tail}`;
  const payload = payloadOf(plan, call);
  const type = call.file && plan.contentType === "application/json" ? call.file.type : plan.contentType;
  return {
    method: operation.method,
    url,
    headers: {
      ...keyHeader(operation, plan.key === "good" ? caller.apiKey : plan.key === "none" ? null : "fbk_nobody-has-this-key"),
      ...(payload !== undefined && type !== "" && { "content-type": type }),
      ...(plan.idempotencyKey !== undefined && { "idempotency-key": plan.idempotencyKey }),
    },
    ...(payload !== undefined && { payload }),
  };
}

function payloadOf({ body, changes: list, raw }: Plan, call: Call): string | undefined {
  if (raw !== undefined) return raw;
  if (call.file) return list.length === 0 ? call.file.text : `${call.file.text}\n${JSON.stringify(list)}`;
  const json = body?.json ?? (call.body && toJson(call.body));
  return json === undefined ? undefined : JSON.stringify(applyChanges(json, list));
}

function keyHeader({ permission }: Operation, key: string | null): Record<string, string> {
  if (key === null || permission.audience === "client" || permission.audience === "public") return {};
  if (permission.audience !== "vendor") return { "x-api-key": key };
  return { authorization: `${permission.vendor === "sprig" ? "API-Key" : "Token"} ${key}` };
}
