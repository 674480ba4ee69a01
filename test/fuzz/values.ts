/** Values that callers send: as the schema has them, nearly so, and such as have broken other servers. */
import fc from "fast-check";
import { type Json, resolve, type Schema } from "./document.ts";

const LONG = "x".repeat(70_000);

/** Strings that parsers, databases and logs stumble over. */
const HARMFUL_TEXTS = [
  "",
  " ",
  "\u0000",
  "a\u0000b",
  "\ud800",
  "\udfff\ud800",
  "\u202e\ufeff",
  "'; drop table contacts; --",
  "%s%n%00",
  "__proto__",
  "constructor",
  "null",
  "NaN",
  "-1",
  "1e400",
  "9223372036854775808",
  "0000-00-00",
  "-271821-04-20T00:00:00.000Z",
  "+275760-09-13T00:00:00.001Z",
  "2024-02-30T25:61:61Z",
  "294277-01-01T00:00:00Z",
  "http://[::1",
  "javascript:alert(1)",
  "{}",
  "[]",
  "\\",
  "😀".repeat(300),
  LONG,
] as const;

const HARMFUL_NUMBERS = [0, -0, -1, 0.1, 1e21, 1e308, -1e308, 2 ** 31, 2 ** 53, 2 ** 63, Number.MIN_VALUE];

const text = fc.oneof(
  { weight: 2, arbitrary: fc.constantFrom<string[]>(...HARMFUL_TEXTS) },
  { weight: 2, arbitrary: fc.string({ unit: "binary", maxLength: 40 }) },
  { weight: 1, arbitrary: fc.string({ maxLength: 12 }) },
);

const number = fc.oneof(fc.constantFrom(...HARMFUL_NUMBERS), fc.integer(), fc.double({ noNaN: true, noDefaultInfinity: true }));

const scalar: fc.Arbitrary<Json> = fc.oneof(text, number, fc.boolean(), fc.constant(null));

/** Anything that JSON can say, small things mostly. */
const anyJson: fc.Arbitrary<Json> = fc.oneof(
  { weight: 4, arbitrary: scalar },
  { weight: 1, arbitrary: fc.array(scalar, { maxLength: 4 }) },
  { weight: 1, arbitrary: fc.dictionary(text, scalar, { maxKeys: 4 }) },
  { weight: 1, arbitrary: fc.integer({ min: 1, max: 400 }).map((depth) => nest(depth)) },
);

function nest(depth: number): Json {
  let value: Json = 1;
  for (let level = 0; level < depth; level++) value = level % 2 === 0 ? [value] : { a: value };
  return value;
}

/** What may stand in a path or a query: no lone surrogates, which no URL can carry. */
export const urlText: fc.Arbitrary<string> = fc
  .oneof(text, number.map(String))
  .map((value) => value.slice(0, 2_000).replace(/[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g, "?"));

const MAX_DEPTH = 7;

/** @param ids what a member that names an id may hold, so that the request finds something */
export function valueFor(given: Schema, ids: readonly string[], depth = 0, name = ""): fc.Arbitrary<Json> {
  const schema = resolve(given);
  if (schema.const !== undefined) return fc.constant(schema.const);
  if (schema.enum) return fc.constantFrom(...schema.enum);
  const options = schema.anyOf ?? schema.oneOf;
  if (depth > MAX_DEPTH) return scalar;
  if (options) return fc.oneof(...options.map((option) => valueFor(option, ids, depth + 1, name)));
  if (schema.allOf) return fc.tuple(...schema.allOf.map((part) => valueFor(part, ids, depth + 1, name))).map(merge);
  const types = [schema.type ?? (schema.properties ? "object" : "any")].flat();
  return fc.oneof(...types.map((type) => typedValueOf(type, schema, { ids, depth, name })));
}

const merge = (parts: Json[]): Json => Object.assign({}, ...parts);

interface Place {
  ids: readonly string[];
  depth: number;
  name: string;
}

function typedValueOf(type: string, schema: Schema, place: Place): fc.Arbitrary<Json> {
  switch (type) {
    case "string":
      return stringOf(schema, place);
    case "number":
      return number;
    case "integer":
      return fc.oneof(fc.integer(), fc.integer({ min: 0, max: 50 }));
    case "boolean":
      return fc.boolean();
    case "null":
      return fc.constant(null);
    case "array":
      return arrayOf(schema, place);
    case "object":
      return objectOf(schema, place);
    default:
      return anyJson;
  }
}

function arrayOf({ prefixItems, items }: Schema, { ids, depth, name }: Place): fc.Arbitrary<Json> {
  if (prefixItems) return fc.tuple(...prefixItems.map((item) => valueFor(item, ids, depth + 1, name)));
  return fc.array(typeof items === "object" ? valueFor(items, ids, depth + 1, name) : anyJson, { maxLength: depth < 3 ? 4 : 2 });
}

function objectOf({ properties = {}, required = [], additionalProperties, propertyNames }: Schema, { ids, depth }: Place) {
  const members = Object.fromEntries(
    Object.entries(properties).map(([name, schema]) => [name, valueFor(schema, ids, depth + 1, name)]),
  );
  const known: fc.Arbitrary<Record<string, Json>> = fc.record(members, {
    requiredKeys: required.filter((name) => Object.hasOwn(members, name)),
  });
  if (additionalProperties === undefined || additionalProperties === false) return known;
  const names = propertyNames ? valueFor(propertyNames, ids, depth + 1).map(String) : fc.string({ maxLength: 12 });
  const more = additionalProperties === true ? anyJson : valueFor(additionalProperties, ids, depth + 1);
  return fc.tuple(known, fc.dictionary(names, more, { maxKeys: 4 })).map(([one, other]) => ({ ...other, ...one }));
}

const FORMATS: Record<string, fc.Arbitrary<string>> = {
  "date-time": fc.date({ noInvalidDate: true, min: new Date(0), max: new Date("2100-01-01") }).map((date) => date.toISOString()),
  date: fc
    .date({ noInvalidDate: true, min: new Date(0), max: new Date("2100-01-01") })
    .map((date) => date.toISOString().slice(0, 10)),
  email: fc.emailAddress(),
  uri: fc.constantFrom("https://example.com/a", "http://127.0.0.1:9/hook", "http://localhost/", "ftp://example.com"),
  uuid: fc.uuid(),
};

function stringOf({ format, pattern }: Schema, { ids, name }: Place): fc.Arbitrary<string> {
  const proper = (format !== undefined && FORMATS[format]) || matching(pattern) || text;
  const namesId = /ids?$|key$|^email$|^organization|^project|^workspace/i.test(name) && ids.length > 0;
  return namesId
    ? fc.oneof({ weight: 3, arbitrary: fc.constantFrom(...ids) }, { weight: 1, arbitrary: proper })
    : fc.oneof({ weight: 4, arbitrary: proper }, { weight: 1, arbitrary: text });
}

/** Null for patterns that strings cannot be made from, such as those with look-aheads. */
function matching(pattern: string | undefined): fc.Arbitrary<string> | null {
  if (pattern === undefined) return null;
  try {
    return fc.stringMatching(new RegExp(pattern), { maxLength: 60 });
  } catch {
    return null;
  }
}

/** One change to a JSON value: of which of its parts, and what becomes of that. */
export interface Change {
  at: number;
  /** `undefined`: the part goes; an `extra` member comes beside it. */
  to: { kind: "remove" } | { kind: "replace"; value: Json } | { kind: "add"; name: string; value: Json };
}

export const changes: fc.Arbitrary<Change[]> = fc.array(
  fc.record({
    at: fc.nat(1_000),
    to: fc.oneof(
      { weight: 4, arbitrary: fc.record({ kind: fc.constant("replace" as const), value: anyJson }) },
      { weight: 2, arbitrary: fc.record({ kind: fc.constant("remove" as const) }) },
      { weight: 1, arbitrary: fc.record({ kind: fc.constant("add" as const), name: text, value: anyJson }) },
    ),
  }),
  { maxLength: 3 },
);

/** The value with the changes made, one after another; the value itself stays as it is. */
export function applyChanges(value: Json, list: readonly Change[]): Json {
  return list.reduce<Json>((current, change) => {
    const root = { value: structuredClone(current) };
    const places = placesOf(root);
    places[change.at % places.length]?.(change.to);
    return root.value;
  }, value);
}

type Apply = (to: Change["to"]) => void;

/** Every part of the value as something that can be changed. */
function placesOf(root: { value: Json }): Apply[] {
  const places: Apply[] = [];
  visit(root, "value");
  return places;

  function visit(parent: Record<string, Json>, name: string): void {
    places.push((to) => change(parent, name, to));
    const value = parent[name];
    if (Array.isArray(value)) {
      // A list's places are its numbers: an object over the same members writes through.
      for (const index of value.keys()) visitItem(value, index);
    } else if (typeof value === "object" && value !== null) for (const member of Object.keys(value)) visit(value, member);
  }

  function visitItem(list: Json[], index: number): void {
    const holder = {
      get item(): Json {
        return list[index] ?? null;
      },
      set item(value: Json) {
        list[index] = value;
      },
    };
    visit(holder, "item");
  }
}

function change(parent: Record<string, Json>, name: string, to: Change["to"]): void {
  const value = parent[name];
  if (to.kind === "replace") parent[name] = to.value;
  else if (to.kind === "add" && typeof value === "object" && value !== null && !Array.isArray(value))
    define(value, to.name, to.value);
  else if (to.kind === "remove" && name !== "value" && name !== "item") delete parent[name];
}

/** `__proto__` becomes a member, too. */
function define(target: Record<string, Json>, name: string, value: Json): void {
  Object.defineProperty(target, name, { value, enumerable: true, configurable: true, writable: true });
}
