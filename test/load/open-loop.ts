import { Agent } from "undici";
import type { Call } from "./mix.ts";

export interface Outcome {
  /** Milliseconds from when the call was due to its answer's end. */
  ms: number;
  /** Null: no answer. */
  status: number | null;
  /** Second of the run in which it was due. */
  second: number;
}

/** A user who waits longer has gone. */
const TIMEOUT_MS = 10_000;

export interface Loader {
  /** Sends `rate` calls a second, due at equal intervals, whether or not earlier ones were answered. */
  openLoop(options: { rate: number; seconds: number }): Promise<Outcome[]>;
  /** Sends calls one after another over so many connections. */
  closedLoop(options: { connections: number; seconds: number }): Promise<Outcome[]>;
  close(): Promise<void>;
}

export function createLoader(address: string, next: (n: number) => Call): Loader {
  const agent = new Agent({ connections: 4_000, pipelining: 1 });
  let n = 0;
  return { openLoop, closedLoop, close: () => agent.destroy() };

  async function openLoop({ rate, seconds }: { rate: number; seconds: number }): Promise<Outcome[]> {
    const outcomes: Promise<Outcome>[] = [];
    const startedAt = performance.now();
    const total = Math.round(rate * seconds);
    while (outcomes.length < total) {
      const due = Math.min(total, Math.floor(((performance.now() - startedAt) / 1_000) * rate) + 1);
      while (outcomes.length < due) outcomes.push(send(startedAt + (outcomes.length / rate) * 1_000, startedAt));
      await new Promise((resume) => setTimeout(resume, 2));
    }
    return await Promise.all(outcomes);
  }

  async function closedLoop({ connections, seconds }: { connections: number; seconds: number }): Promise<Outcome[]> {
    const outcomes: Outcome[] = [];
    const startedAt = performance.now();
    const run = async () => {
      while (performance.now() - startedAt < seconds * 1_000) outcomes.push(await send(performance.now(), startedAt));
    };
    await Promise.all(Array.from({ length: connections }, run));
    return outcomes;
  }

  async function send(dueAt: number, startedAt: number): Promise<Outcome> {
    const { method, path, body } = next(n++);
    const second = Math.floor((dueAt - startedAt) / 1_000);
    const end = (status: number | null): Outcome => ({ ms: performance.now() - dueAt, status, second });
    try {
      const { statusCode, body: answer } = await agent.request({
        ...{ origin: address, method, path, headersTimeout: TIMEOUT_MS, bodyTimeout: TIMEOUT_MS },
        ...(body !== undefined && { body, headers: { "content-type": "application/json" } }),
      });
      await answer.dump();
      return end(statusCode);
    } catch {
      return end(null);
    }
  }
}

export const isGood = ({ status }: Outcome): boolean => status !== null && status < 300;

/** Of the answered and the unanswered alike. */
export function percentile(outcomes: readonly Outcome[], share: number): number {
  const sorted = outcomes.map(({ ms }) => ms).sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}
