import type { FastifyRequest } from "fastify";

/**
 * Takes the rest of a body that was refused, within reason: most clients look for the answer only after they have sent
 * all of it.
 */
export async function drainBody({ raw }: FastifyRequest, { maxBytes }: { maxBytes: number }): Promise<void> {
  let drained = 0;
  await new Promise<void>((resolve) => {
    if (raw.readableEnded || raw.destroyed) return resolve();
    raw.on("data", (chunk: Buffer) => {
      drained += chunk.length;
      if (drained > maxBytes) resolve();
    });
    for (const event of ["end", "close", "error"]) raw.on(event, () => resolve());
    raw.resume();
  });
}
