/** What is done to the OpenAPI document once all routes are in it. */
import { exampleOf, isObject, type Json, type JsonObject } from "./openapi-example.ts";

/**
 * Takes out schemas that nothing refers to (each is registered for requests and for answers, whether it is used there or
 * not), writes alternatives of one as that one, and gives every JSON body without an example one that follows from its
 * schema. The document is changed in place and returned.
 */
export function finishDocument<Document extends object>(document: Document): Document {
  const root: Json = JSON.parse(JSON.stringify(document));
  if (!isObject(root)) return document;
  dropUnused(root);
  unwrapSingles(root);
  addExamples(root);
  return Object.assign(document, root);
}

/** Again and again, as what is dropped may be all that referred to another. */
function dropUnused(root: JsonObject): void {
  const components = root.components;
  if (!isObject(components) || !isObject(components.schemas)) return;
  for (let isDone = false; !isDone; ) {
    isDone = true;
    const text = JSON.stringify(root);
    for (const name of Object.keys(components.schemas))
      if (!text.includes(`"#/components/schemas/${name}"`)) {
        delete components.schemas[name];
        isDone = false;
      }
  }
}

function unwrapSingles(value: Json | undefined): void {
  if (Array.isArray(value)) for (const item of value) unwrapSingles(item);
  if (!isObject(value)) return;
  const { anyOf } = value;
  if (Array.isArray(anyOf) && anyOf.length === 1 && isObject(anyOf[0])) {
    delete value.anyOf;
    Object.assign(value, anyOf[0]);
  }
  for (const member of Object.values(value)) unwrapSingles(member);
}

function addExamples(root: JsonObject): void {
  for (const methods of membersOf(root.paths))
    for (const operation of membersOf(methods)) {
      addExample(root, operation.requestBody);
      if (isObject(operation.responses))
        for (const [status, response] of Object.entries(operation.responses)) if (/^2/.test(status)) addExample(root, response);
    }
}

const membersOf = (value: Json | undefined): JsonObject[] => (isObject(value) ? Object.values(value).filter(isObject) : []);

function addExample(root: JsonObject, body: Json | undefined): void {
  if (!isObject(body) || !isObject(body.content)) return;
  const json = body.content["application/json"];
  if (isObject(json) && isObject(json.schema) && !("example" in json)) json.example = exampleOf(json.schema, root);
}
