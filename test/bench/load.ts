import { Agent, request } from "node:http";
import autocannon from "autocannon";
import type { Scenario } from "./scenarios.ts";

export interface Measurement {
  requestsPerSecond: number;
  /** Milliseconds. */
  p50: number;
  p99: number;
  requests: number;
}

let runs = 0;

/** Loads the server with one scenario. Throws when any answer is not a 2xx: a fast refusal is no throughput. */
export async function load(
  url: string,
  scenario: Scenario,
  { connections, seconds }: { connections: number; seconds: number },
): Promise<Measurement> {
  const run = ++runs;
  let n = 0;
  const { body } = scenario;
  const result = await autocannon({
    url,
    connections,
    duration: seconds,
    requests: [
      {
        method: scenario.method,
        path: scenario.path,
        headers: { "content-type": "application/json", ...scenario.headers },
        ...(body && { setupRequest: (request: autocannon.Request) => ({ ...request, body: body(n++, run) }) }),
      },
    ],
  });
  if (result.non2xx > 0 || result.errors > 0)
    throw new Error(`${scenario.name}: ${result.non2xx} answers were not 2xx, ${result.errors} requests failed`);
  return {
    requestsPerSecond: result.requests.total / result.duration,
    p50: result.latency.p50,
    p99: result.latency.p99,
    requests: result.requests.total,
  };
}

/** Sends one request after another on one connection; answers the milliseconds of each, finer than {@link load} does. */
export async function timeRequests(url: string, scenario: Scenario, seconds: number): Promise<number[]> {
  const run = ++runs;
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const times: number[] = [];
  for (const end = performance.now() + seconds * 1_000; performance.now() < end; ) {
    const body = scenario.body?.(times.length, run) ?? "";
    const start = performance.now();
    await send(url, scenario, body, agent);
    times.push(performance.now() - start);
  }
  agent.destroy();
  return times;
}

function send(url: string, { name, method, path, headers: own }: Scenario, body: string, agent: Agent): Promise<void> {
  return new Promise((resolve, reject) => {
    const headers = { "content-type": "application/json", ...own, "content-length": Buffer.byteLength(body) };
    const sent = request(url + path, { method, headers, agent }, (response) => {
      response.resume().on("end", resolve);
      if (response.statusCode !== 200) reject(new Error(`${name}: status ${response.statusCode}`));
    });
    sent.on("error", reject).end(body);
  });
}

/** The middle one of the measurements, by throughput. */
export function median(measurements: readonly Measurement[]): Measurement {
  return middle([...measurements].sort((a, b) => a.requestsPerSecond - b.requestsPerSecond));
}

export function medianOf(numbers: readonly number[]): number {
  return middle([...numbers].sort((a, b) => a - b));
}

function middle<Item>(sorted: readonly Item[]): Item {
  const item = sorted[Math.floor(sorted.length / 2)];
  if (item === undefined) throw new Error("nothing was measured");
  return item;
}
