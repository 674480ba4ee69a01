/** Examples for the OpenAPI document, made of schemas. */

export type Json = null | boolean | number | string | Json[] | JsonObject;

/** A part of a document, whatever it describes. */
export interface JsonObject {
  [name: string]: Json | undefined;
}

/** An id of the form that all ids of ours have. */
const ID = "cmf3k2q9a0001v1x8h2m7d4tz";

const BY_FORMAT: Record<string, string> = {
  "date-time": "2026-01-15T12:00:00.000Z",
  email: "ada@example.com",
  uri: "https://example.com/",
  uuid: "a926111b-fa62-49f7-8666-2c94ca8b18fc",
};

/** Deeper, only what must be there is shown, so that what contains itself ends. */
const MAX_DEPTH = 6;

/**
 * A value that a schema allows: its own example or default where it has one, else the plainest that fits.
 * @param root the document, for references
 */
export function exampleOf(given: JsonObject, root: JsonObject, name = "", depth = 0): Json {
  const schema = resolve(given, root);
  if (schema.example !== undefined) return schema.example;
  if (Array.isArray(schema.examples) && schema.examples[0] !== undefined) return schema.examples[0];
  if (schema.const !== undefined) return schema.const;
  if (Array.isArray(schema.enum)) return schema.enum[0] ?? null;
  if (schema.default !== undefined) return schema.default;
  const alternative = alternativeOf(schema, root);
  if (alternative) return exampleOf(alternative, root, name, depth);
  if (Array.isArray(schema.allOf))
    return Object.assign({}, ...schema.allOf.filter(isObject).map((part) => exampleOf(part, root, name, depth)));
  return exampleOfType(schema, root, name, depth);
}

export const isObject = (value: Json | undefined): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value);

function resolve(schema: JsonObject, root: JsonObject): JsonObject {
  if (typeof schema.$ref !== "string") return schema;
  let found: Json | undefined = root;
  for (const part of schema.$ref.split("/").slice(1)) found = isObject(found) ? found[part] : undefined;
  return isObject(found) ? resolve(found, root) : {};
}

/** The first of several that is not null. */
function alternativeOf({ anyOf, oneOf }: JsonObject, root: JsonObject): JsonObject | undefined {
  const list = [anyOf, oneOf].find(Array.isArray);
  return list?.filter(isObject).find((each) => resolve(each, root).type !== "null");
}

function exampleOfType(schema: JsonObject, root: JsonObject, name: string, depth: number): Json {
  const type = Array.isArray(schema.type) ? schema.type.find((each) => each !== "null") : schema.type;
  switch (type) {
    case "string":
      return exampleText(schema, name);
    case "integer":
    case "number":
      return typeof schema.minimum === "number" && schema.minimum > 0 ? schema.minimum : 0;
    case "boolean":
      return true;
    case "array": {
      if (depth > MAX_DEPTH && typeof schema.minItems !== "number") return [];
      return isObject(schema.items) && schema.items.not === undefined ? [exampleOf(schema.items, root, name, depth + 1)] : [];
    }
    case "object":
      return exampleObject(schema, root, depth);
    default:
      return type === "null" ? null : {};
  }
}

function exampleText({ format, minLength }: JsonObject, name: string): string {
  if (typeof format === "string" && BY_FORMAT[format] !== undefined) return BY_FORMAT[format];
  if (/(^id|Id|Ids)$/.test(name)) return ID;
  return "text".padEnd(typeof minLength === "number" ? minLength : 0, "x");
}

function exampleObject({ properties, required }: JsonObject, root: JsonObject, depth: number): JsonObject {
  if (!isObject(properties)) return {};
  const needed = new Set(Array.isArray(required) ? required : []);
  const shown = Object.entries(properties).filter(([name]) => needed.has(name) || depth < 1);
  return Object.fromEntries(
    shown.flatMap(([name, schema]) => (isObject(schema) ? [[name, exampleOf(schema, root, name, depth + 1)]] : [])),
  );
}
