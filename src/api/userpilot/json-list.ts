/**
 * Reads `{"users": [ … ]}` item by item as it arrives, so that a long list is never in memory as a whole. What is
 * around the list is kept and checked when the end has come.
 */
import { refusal } from "./envelope.ts";

/** What may stand around the list, in characters. */
const MAX_REST = 100_000;

/**
 * The items of the member `name` of the JSON object that the chunks make up. Throws refusals `invalid_json` when they
 * make up no JSON object, `invalid_type` when the member is no list, `empty_list` when it is missing.
 */
export async function* readJsonList(chunks: AsyncIterable<Uint8Array>, name: string): AsyncGenerator<{ value: unknown }> {
  const scanner = createScanner(name);
  const decoder = new TextDecoder("utf-8", { fatal: true });
  try {
    for await (const chunk of chunks)
      for (const text of scanner.scan(decoder.decode(chunk, { stream: true }))) yield parseItem(text);
    for (const text of scanner.scan(decoder.decode())) yield parseItem(text);
  } catch (error) {
    if (error instanceof TypeError) throw refusal("invalid_json", "The body is not valid UTF-8"); // of the decoder
    throw error;
  }
  checkRest(scanner.rest(), name);
}

const IN_STRING = /["\\]/g;
const BETWEEN_STRINGS = /["{}[\],]/g;

/** What is broken inside of an item breaks the whole document. */
const parseItem = (text: string): { value: unknown } => ({ value: parse(text) });

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw refusal("invalid_json", error instanceof SyntaxError ? "The body is not valid JSON" : "The body cannot be read");
  }
}

function checkRest(rest: string, name: string): void {
  const body = parse(rest);
  if (typeof body !== "object" || body === null || Array.isArray(body))
    throw refusal("invalid_json", "The body must be a JSON object");
  const list: unknown = Reflect.get(body, name);
  if (list === undefined || list === null) throw refusal("empty_list", `${name} is required`);
  if (!Array.isArray(list)) throw refusal("invalid_type", `${name} must be a list`);
}

/**
 * Follows the text's brackets and strings. Outside of the list everything goes into `rest`; of the list itself only its
 * brackets do, so that `rest` is the document with an empty list.
 */
function createScanner(name: string) {
  let rest = "";
  let item = "";
  /** Of brackets; inside of the list it counts from the list's own, 1. */
  let depth = 0;
  let inString = false;
  let escaped = false;
  let inList = false;
  let listDone = false;
  let items = 0;
  /** The last string outside of the list, and whether a colon followed: the name of the member whose value comes. */
  let lastString = "";
  let string = "";
  let isNamed = false;
  return { scan, rest: () => rest };

  function* scan(text: string): Generator<string> {
    for (let at = 0; at < text.length; ) {
      if (inList) at = yield* scanList(text, at);
      else stepOutside(text.charAt(at++));
    }
  }

  /** Yields the items that end in the text; returns where the list ended, or the text. */
  function* scanList(text: string, from: number): Generator<string, number> {
    let start = from;
    for (let at = nextMark(text, from); at >= 0; at = nextMark(text, at + 1)) {
      const character = text.charAt(at);
      if (character === '"') inString = true;
      else if (!endsItem(character)) followBrackets(character);
      else {
        const finished = endItem(item + text.slice(start, at), character === "]");
        start = at + 1;
        if (finished !== undefined) yield finished;
        if (!inList) return start;
      }
    }
    item += text.slice(start);
    return text.length;
  }

  function endsItem(character: string): boolean {
    return depth === 1 && (character === "," || character === "]");
  }

  /** Where the next character is that matters and is in no string; -1 when there is none. */
  function nextMark(text: string, from: number): number {
    BETWEEN_STRINGS.lastIndex = inString ? skipString(text, from) : from;
    return BETWEEN_STRINGS.exec(text)?.index ?? -1;
  }

  /** Returns where the string has ended, or the text. */
  function skipString(text: string, from: number): number {
    let at = from;
    while (inString && at < text.length) {
      if (escaped) {
        escaped = false;
        at++;
        continue;
      }
      IN_STRING.lastIndex = at;
      const found = IN_STRING.exec(text);
      at = found ? found.index + 1 : text.length;
      escaped = found?.[0] === "\\";
      inString = found?.[0] !== '"';
    }
    return at;
  }

  function stepOutside(character: string): void {
    rest += character;
    if (rest.length > MAX_REST) throw refusal("invalid_json", "There is too much besides the list");
    if (inString) {
      string += character;
      if (endsString(character)) lastString = string;
    } else if (character === '"') {
      inString = true;
      string = '"';
      isNamed = false;
    } else stepBetween(character);
  }

  /** Outside of the list and of strings. */
  function stepBetween(character: string): void {
    if (character === "[" && depth === 1 && isNamed && !listDone && isListName()) {
      inList = true;
      item = "";
    } else followBrackets(character);
    if (character === ":") isNamed = true;
    else if (character.trim() !== "") isNamed = false;
  }

  function followBrackets(character: string): void {
    if (character === "{" || character === "[") depth++;
    else if (character === "}" || character === "]") depth--;
  }

  function isListName(): boolean {
    try {
      return JSON.parse(lastString) === name;
    } catch {
      return false;
    }
  }

  /** The text of the item that has ended; undefined when the list was empty. */
  function endItem(text: string, isLast: boolean): string | undefined {
    item = "";
    if (isLast) {
      inList = false;
      listDone = true;
      rest += "]";
      if (items === 0 && text.trim() === "") return undefined;
    }
    items++;
    return text;
  }

  /** Follows one character inside of a string; true when it ended the string. */
  function endsString(character: string): boolean {
    if (escaped) escaped = false;
    else if (character === "\\") escaped = true;
    else if (character === '"') {
      inString = false;
      return true;
    }
    return false;
  }
}
