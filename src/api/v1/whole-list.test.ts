import { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { expect, it } from "vitest";
import { z } from "zod";
import { presented, sendWhole } from "./whole-list.ts";

const Item = z.object({
  n: z.number(),
  at: z.codec(z.string(), z.date(), { decode: (at) => new Date(at), encode: (at) => at.toISOString() }),
});
const at = new Date("2026-01-07T10:00:00.000Z");

/** What a route would have answered with: the object it returned, or what it sent. */
async function answerOf(parts: AsyncGenerator<{ n: number; at: Date }[], void, void>) {
  const sent: unknown[] = [];
  const reply = { type: (type: string) => sent.push(type), send: (payload: unknown) => sent.push(payload) };
  const answer = await sendWhole(reply, Item, parts);
  return { answer, reply, sent };
}

async function* partsOf(...sizes: number[]) {
  let n = 0;
  for (const size of sizes) yield Array.from({ length: size }, () => ({ n: n++, at }));
}

it("answers a list of one part, or of none, as any other", async () => {
  expect((await answerOf(partsOf())).answer).toEqual({ data: [] });
  expect((await answerOf(partsOf(2))).answer).toEqual({
    data: [
      { n: 0, at },
      { n: 1, at },
    ],
  });
});

it("writes more parts one after another, as the serializer would have written them together", async () => {
  const { answer, reply, sent } = await answerOf(presented(partsOf(2, 0, 3), (rows) => rows));
  expect(answer).toBe(reply);
  const [type, stream] = sent;
  expect(type).toBe("application/json; charset=utf-8");
  if (!(stream instanceof Readable)) throw new Error("No stream was sent");
  const data = Array.from({ length: 5 }, (_, n) => ({ n, at: at.toISOString() }));
  expect(await text(stream)).toBe(JSON.stringify({ data }));
});

it("writes an empty list of several parts", async () => {
  const { sent } = await answerOf(partsOf(0, 0));
  expect(await text(Readable.from(sent[1] instanceof Readable ? sent[1] : []))).toBe('{"data":[]}');
});

it("reads no further than it is read, and ends what it reads from when nobody reads on", async () => {
  let [read, isEnded] = [0, false];
  async function* endless() {
    try {
      for (;;) yield Array.from({ length: 2_000 }, () => ({ n: read++, at }));
    } finally {
      isEnded = true;
    }
  }
  const { sent } = await answerOf(endless());
  const [, stream] = sent;
  if (!(stream instanceof Readable)) throw new Error("No stream was sent");
  stream.read(1);
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(read).toBeLessThan(10_000);
  stream.destroy();
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(isEnded).toBe(true);
});

it("throws what goes wrong before anything is sent", async () => {
  const parts = presented(partsOf(1, 1), (rows) => {
    if (rows.some(({ n }) => n === 1)) throw new Error("gone");
    return rows;
  });
  await expect(answerOf(parts)).rejects.toThrow("gone");
});
