/** Holds an answer against the document: its status, the type of its body, and its JSON. */
import { Ajv2020 } from "ajv/dist/2020.js";
import formats from "ajv-formats";
import type { LightMyRequestResponse } from "fastify";
import { type Operation, rawDocument } from "./document.ts";

const DOCUMENT = "document";
const ajv = new Ajv2020({ strict: false, validateSchema: false, allErrors: false });
formats.default(ajv);
ajv.addSchema(rawDocument, DOCUMENT);

const escapePointer = (part: string): string => encodeURIComponent(part.replaceAll("~", "~0").replaceAll("/", "~1"));

/** What is wrong with the answer; null when nothing is. 501 and 503 are right where they are documented. */
export function faultOf(operation: Operation, answer: LightMyRequestResponse): string | null {
  const { statusCode, body } = answer;
  const status = String(statusCode);
  const types = operation.responses[status];
  if (statusCode >= 500 && ![501, 503].includes(statusCode)) return `a ${status}: ${body.slice(0, 300)}`;
  if (types === undefined) return `${status} is not documented: ${body.slice(0, 300)}`;
  const [type = ""] = String(answer.headers["content-type"] ?? "").split(";");
  if (types.length === 0 || body === "") return null;
  if (!types.includes(type))
    return `${status} comes as ${type}, and is documented as ${types.join(" or ")}: ${body.slice(0, 300)}`;
  return type === "application/json" ? faultOfJson(operation, status, body) : null;
}

function faultOfJson({ path, method }: Operation, status: string, body: string): string | null {
  const pointer = ["paths", path, method.toLowerCase(), "responses", status, "content", "application/json", "schema"];
  const $ref = `${DOCUMENT}#/${pointer.map(escapePointer).join("/")}`;
  const validate = ajv.getSchema($ref) ?? ajv.compile({ $ref });
  if (validate(JSON.parse(body))) return null;
  return `${status} is not as documented: ${ajv.errorsText(validate.errors)}: ${body.slice(0, 500)}`;
}
