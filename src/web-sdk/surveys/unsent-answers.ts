/**
 * Answers that were not accepted yet, kept beyond the page: they are sent by the next page that loads this script.
 * Web views may have no storage; then they are lost with the page.
 */
import { isRecord, type ResponseData } from "../../responses/answer-values.ts";
import type { ResponseUpdate } from "./response-queue.ts";

export interface Unsent {
  appUrl: string;
  environmentId: string;
  generation: "v1" | "v2";
  displayId: string | null;
  responseId: string | null;
  /** Members of a new response beside the answers. */
  response: Readonly<Record<string, unknown>>;
  pinAuthToken: string | null;
  update: ResponseUpdate;
}

export interface UnsentAnswers {
  /** Keeps what is unsent under a key, or forgets it (null). */
  keep(key: string, unsent: Unsent | null): void;
  /** What pages before this one left, taken out of the store. */
  takeLeft(): Unsent[];
}

const STORE_KEY = "mortar-surveys-unsent";
/** A page that is still open sends by itself, which takes no longer than this. */
const IN_USE_MS = 2 * 60_000;
const MAX_AGE_MS = 7 * 24 * 60 * 60_000;

/** `storage` undefined: there is none. */
export function createUnsentAnswers({
  storage,
  now,
}: {
  storage: Pick<Storage, "getItem" | "setItem" | "removeItem"> | undefined;
  now: () => number;
}): UnsentAnswers {
  return { keep, takeLeft };

  function keep(key: string, unsent: Unsent | null): void {
    const { [key]: former, ...others } = read();
    if (unsent === null && former === undefined) return;
    write(unsent === null ? others : { ...others, [key]: { at: now(), unsent } });
  }

  function takeLeft(): Unsent[] {
    const entries = Object.entries(read());
    const isLeft = ([, entry]: [string, unknown]) => now() - timeOf(entry) > IN_USE_MS;
    const left = entries.filter(isLeft);
    if (left.length > 0) write(Object.fromEntries(entries.filter((entry) => !isLeft(entry))));
    return left
      .filter(([, entry]) => now() - timeOf(entry) < MAX_AGE_MS)
      .flatMap(([, entry]) => readUnsent(isRecord(entry) ? entry.unsent : undefined));
  }

  function read(): Readonly<Record<string, unknown>> {
    try {
      const value: unknown = JSON.parse(storage?.getItem(STORE_KEY) ?? "{}");
      return isRecord(value) ? value : {};
    } catch {
      return {};
    }
  }

  function write(entries: object): void {
    try {
      if (Object.keys(entries).length === 0) storage?.removeItem(STORE_KEY);
      else storage?.setItem(STORE_KEY, JSON.stringify(entries));
    } catch {
      // a full store: the answers are sent as long as the page lives
    }
  }
}

const timeOf = (entry: unknown): number => (isRecord(entry) && typeof entry.at === "number" ? entry.at : 0);

function readUnsent(value: unknown): Unsent[] {
  if (!isRecord(value) || !isRecord(value.update) || !isRecord(value.response)) return [];
  const { appUrl, environmentId } = value;
  if (typeof appUrl !== "string" || typeof environmentId !== "string") return [];
  return [
    {
      appUrl,
      environmentId,
      generation: value.generation === "v1" ? "v1" : "v2",
      displayId: textOrNull(value.displayId),
      responseId: textOrNull(value.responseId),
      response: value.response,
      pinAuthToken: textOrNull(value.pinAuthToken),
      update: readUpdate(value.update),
    },
  ];
}

function readUpdate(value: Readonly<Record<string, unknown>>): ResponseUpdate {
  return {
    finished: value.finished === true,
    data: pick(value.data, isAnswer),
    ttc: pick(value.ttc, (each): each is number => typeof each === "number"),
    variables: pick(value.variables, (each): each is string | number => typeof each === "number" || typeof each === "string"),
    language: textOrNull(value.language) ?? undefined,
    endingId: textOrNull(value.endingId) ?? undefined,
  };
}

function pick<Value>(record: unknown, is: (value: unknown) => value is Value): Record<string, Value> {
  const entries = Object.entries(isRecord(record) ? record : {});
  return Object.fromEntries(entries.flatMap(([key, value]): [string, Value][] => (is(value) ? [[key, value]] : [])));
}

const isText = (value: unknown): value is string => typeof value === "string";
const isAnswer = (value: unknown): value is ResponseData[string] =>
  isText(value) ||
  typeof value === "number" ||
  (Array.isArray(value) && value.every(isText)) ||
  (isRecord(value) && Object.values(value).every(isText));
const textOrNull = (value: unknown): string | null => (isText(value) && value !== "" ? value : null);
