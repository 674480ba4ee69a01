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
        headers: { "content-type": "application/json" },
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

/** The middle one of the measurements, by throughput. */
export function median(measurements: readonly Measurement[]): Measurement {
  const sorted = [...measurements].sort((a, b) => a.requestsPerSecond - b.requestsPerSecond);
  const middle = sorted[Math.floor(sorted.length / 2)];
  if (!middle) throw new Error("nothing was measured");
  return middle;
}
