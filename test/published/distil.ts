/** What of an OpenAPI document a test can compare: names and types, no text. */

/** A name's type; `object` and `array` have members of their own. */
export type Shape = string | { [name: string]: Shape } | [Shape] | [];

export interface Distilled {
  method: string;
  path: string;
  /** By status, of successes only; null without a JSON body. */
  answers: Record<string, Shape | null>;
  /** Of a request. */
  body: Shape | null;
  /** Paths of the members that a body has in any case, as far as the object around them is there (`contacts[].attributes`). */
  required: string[];
}

type Json = null | boolean | number | string | Json[] | JsonObject;
interface JsonObject {
  [name: string]: Json | undefined;
}

const METHODS = ["get", "post", "put", "patch", "delete"];

export function distil(document: JsonObject): Distilled[] {
  const found: Distilled[] = [];
  for (const [path, item] of Object.entries(objectOf(document.paths)))
    for (const method of METHODS) {
      const operation = objectOf(item)[method];
      if (!isObject(operation)) continue;
      const answers = Object.entries(objectOf(operation.responses)).filter(([status]) => /^2\d\d$/.test(status));
      found.push({
        method,
        path: `${basePath(document, item)}${path}`,
        answers: Object.fromEntries(answers.map(([status, answer]) => [status, shapeOfContent(document, answer)])),
        body: shapeOfBody(document, operation.requestBody),
        required: requiredInContent(document, operation.requestBody),
      });
    }
  return found;
}

function basePath(document: JsonObject, item: Json | undefined): string {
  const [server] = [objectOf(item).servers, document.servers].filter(Array.isArray).flat();
  const url = objectOf(server).url;
  return typeof url === "string" ? url.replace(/^https?:\/\/[^/]*/, "").replace(/\/$/, "") : "";
}

function shapeOfContent(document: JsonObject, given: Json | undefined): Shape | null {
  const { content } = resolve(document, given);
  const json = objectOf(objectOf(content)["application/json"]);
  const shape = isObject(json.schema) ? shapeOf(document, json.schema, 0) : null;
  if (shape !== null && typeof shape !== "string") return shape;
  if (json.example !== undefined) return shapeOfValue(json.example);
  const [example] = Object.values(objectOf(json.examples));
  const value = objectOf(example).value;
  return value === undefined ? shape : shapeOfValue(value);
}

/** As of an answer, or else what the example of its schema shows. */
function shapeOfBody(document: JsonObject, given: Json | undefined): Shape | null {
  const shape = shapeOfContent(document, given);
  const json = objectOf(objectOf(resolve(document, given).content)["application/json"]);
  const { example } = objectOf(json.schema);
  return typeof shape === "string" && example !== undefined ? shapeOfValue(example) : shape;
}

/** What the schema requires; of a body that is shown by an example alone, all that the example has. */
function requiredInContent(document: JsonObject, given: Json | undefined): string[] {
  const json = objectOf(objectOf(resolve(document, given).content)["application/json"]);
  const shape = isObject(json.schema) ? shapeOf(document, json.schema, 0) : null;
  if (shape !== null && typeof shape !== "string") return requiredIn(document, json.schema, "", 0).sort();
  return pathsOf(shapeOfBody(document, given), "").sort();
}

function requiredIn(document: JsonObject, given: Json | undefined, path: string, depth: number): string[] {
  const schema = resolve(document, given);
  const inAll = (parts: Json[]) => parts.map((part) => requiredIn(document, part, path, depth));
  const alternatives = [schema.anyOf, schema.oneOf]
    .filter(Array.isArray)
    .flat()
    .filter((part) => resolve(document, part).type !== "null");
  const [first = [], ...others] = inAll(alternatives);
  const names = Array.isArray(schema.required) ? schema.required.filter((name) => typeof name === "string") : [];
  const members = depth < MAX_DEPTH ? Object.entries(objectOf(schema.properties)) : [];
  return [
    ...names.map((name) => join(path, name)),
    ...members.flatMap(([name, member]) => requiredIn(document, member, join(path, name), depth + 1)),
    ...(isObject(schema.items) && depth < MAX_DEPTH ? requiredIn(document, schema.items, `${path}[]`, depth + 1) : []),
    ...inAll(Array.isArray(schema.allOf) ? schema.allOf : []).flat(),
    ...first.filter((each) => others.every((other) => other.includes(each))),
  ];
}

/** Of all members of a shape. */
export function pathsOf(shape: Shape | null, path: string): string[] {
  if (shape === null || typeof shape === "string") return [];
  if (Array.isArray(shape)) return shape[0] === undefined ? [] : pathsOf(shape[0], `${path}[]`);
  return Object.entries(shape).flatMap(([name, member]) => [join(path, name), ...pathsOf(member, join(path, name))]);
}

const join = (path: string, name: string): string => (path === "" ? name : `${path}.${name}`);

/** Deeper is not compared. */
const MAX_DEPTH = 4;

function shapeOf(document: JsonObject, given: Json | undefined, depth: number): Shape {
  const schema = merged(document, resolve(document, given));
  const type = Array.isArray(schema.type) ? schema.type.find((each) => each !== "null") : schema.type;
  if (isObject(schema.properties)) {
    if (depth >= MAX_DEPTH) return "object";
    const members = Object.entries(schema.properties).map(([name, member]) => [name, shapeOf(document, member, depth + 1)]);
    return Object.fromEntries(members);
  }
  if (type === "array") return isObject(schema.items) && depth < MAX_DEPTH ? [shapeOf(document, schema.items, depth + 1)] : [];
  return typeof type === "string" ? type : "any";
}

/** The alternatives of a schema as one, with the members of all. */
function merged(document: JsonObject, schema: JsonObject): JsonObject {
  const parts = [schema.allOf, schema.anyOf, schema.oneOf].filter(Array.isArray).flat();
  const known = parts.map((part) => merged(document, resolve(document, part))).filter(({ type }) => type !== "null");
  if (known.length === 0) return schema;
  const properties = Object.assign({}, ...[schema, ...known].map((part) => objectOf(part.properties)));
  const types = new Set(known.map(({ type }) => type));
  return {
    ...known[0],
    ...(types.size > 1 && { type: undefined }),
    ...schema,
    ...(Object.keys(properties).length > 0 ? { properties } : {}),
  };
}

function shapeOfValue(value: Json): Shape {
  if (Array.isArray(value)) return value[0] === undefined ? [] : [shapeOfValue(value[0])];
  if (isObject(value))
    return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, shapeOfValue(member ?? null)]));
  return value === null ? "any" : typeof value;
}

function resolve(document: JsonObject, given: Json | undefined): JsonObject {
  const schema = objectOf(given);
  if (typeof schema.$ref !== "string") return schema;
  let found: Json | undefined = document;
  for (const part of schema.$ref.split("/").slice(1)) found = objectOf(found)[part.replaceAll("~1", "/")];
  return resolve(document, found);
}

const isObject = (value: Json | undefined): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const objectOf = (value: Json | undefined): JsonObject => (isObject(value) ? value : {});
