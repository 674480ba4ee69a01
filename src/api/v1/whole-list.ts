/** Lists that are sent whole, however long they are. Source: management-api-v1 §18, #15. */
import { Readable } from "node:stream";
import { z } from "zod";

/** As much of a reply as is needed; a stream is of no schema's type. */
interface Sender {
  type(contentType: string): unknown;
  send(payload: unknown): unknown;
}

/**
 * `{"data": […]}` of items that come in parts: what a route returns. One part is answered as any list; of more, each is
 * written as the client takes it, so that a list of a million takes no more memory than two parts. What goes wrong before
 * the second part is answered as an error; after that the answer is cut off.
 */
export async function sendWhole<Item, Reply extends Sender>(
  reply: Reply,
  item: z.ZodType<Item>,
  parts: AsyncGenerator<Item[], void, void>,
): Promise<{ data: Item[] } | Reply> {
  const [first, second] = [await parts.next(), await parts.next()];
  if (first.done) return { data: [] };
  if (second.done) return { data: first.value };
  reply.type("application/json; charset=utf-8");
  reply.send(Readable.from(toJson(item, [first.value, second.value], parts), { objectMode: false }));
  return reply;
}

async function* toJson<Item>(item: z.ZodType<Item>, known: Item[][], parts: AsyncGenerator<Item[]>): AsyncGenerator<string> {
  let start = `{"data":[`;
  for await (const part of concat(known, parts)) {
    const texts = part.map((each) => JSON.stringify(z.encode(item, each)));
    if (texts.length === 0) continue;
    yield start + texts.join();
    start = ",";
  }
  yield start === "," ? "]}" : `${start}]}`;
}

/** Ends the rest also when nobody asks for it. */
async function* concat<Part>(known: Part[], rest: AsyncGenerator<Part>): AsyncGenerator<Part> {
  try {
    yield* known;
    yield* rest;
  } finally {
    await rest.return(undefined);
  }
}

/** The same parts, presented. */
export async function* presented<Row, Item>(
  parts: AsyncGenerator<Row[], void, void>,
  present: (rows: Row[]) => Item[] | Promise<Item[]>,
): AsyncGenerator<Item[], void, void> {
  for await (const rows of parts) yield await present(rows);
}
