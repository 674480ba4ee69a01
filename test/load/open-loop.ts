import { Client } from "undici";
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

/** So many clients at a time; who finds all of them busy waits for one, which counts. */
const CONNECTIONS = 1_000;

interface Sending extends Call {
  /** Milliseconds on the clock of `performance`. */
  dueAt: number;
  settle(status: number | null): void;
}

/** Each connection is a client of its own and a list tells which are free: a pool that looks for one is slower than the server. */
export function createLoader(address: string, next: (n: number) => Call): Loader {
  const clients = Array.from(
    { length: CONNECTIONS },
    () => new Client(address, { headersTimeout: TIMEOUT_MS, bodyTimeout: TIMEOUT_MS }),
  );
  const free = [...clients];
  const waiting = new Set<Sending>();
  let n = 0;
  return { openLoop, closedLoop, close };

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

  async function close(): Promise<void> {
    await Promise.all(clients.map((client) => client.destroy()));
  }

  function send(dueAt: number, startedAt: number): Promise<Outcome> {
    const second = Math.floor((dueAt - startedAt) / 1_000);
    return new Promise((resolve) => {
      const settle = (status: number | null) => resolve({ ms: performance.now() - dueAt, status, second });
      enter({ ...next(n++), dueAt, settle });
    });
  }

  function enter(sending: Sending): void {
    const client = free.pop();
    if (client) start(client, sending);
    else waiting.add(sending);
  }

  function start(client: Client, { method, path, body, settle }: Sending): void {
    let status: number | null = null;
    const end = (outcome: number | null) => {
      settle(outcome);
      leave(client);
    };
    client.dispatch(
      { method, path, ...(body !== undefined && { body, headers: JSON_BODY }) },
      {
        onRequestStart: () => undefined,
        onResponseStart: (_controller, statusCode) => {
          status = statusCode;
        },
        onResponseEnd: () => end(status),
        onResponseError: () => end(null),
      },
    );
  }

  /** Who has waited for too long has gone. */
  function leave(client: Client): void {
    for (const sending of waiting) {
      waiting.delete(sending);
      if (performance.now() - sending.dueAt < TIMEOUT_MS) {
        start(client, sending);
        return;
      }
      sending.settle(null);
    }
    free.push(client);
  }
}

const JSON_BODY = { "content-type": "application/json" };

export const isGood = ({ status }: Outcome): boolean => status !== null && status < 300;

/** Of the answered and the unanswered alike. */
export function percentile(outcomes: readonly Outcome[], share: number): number {
  const sorted = outcomes.map(({ ms }) => ms).sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}
