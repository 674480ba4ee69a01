/**
 * `npm run bench`: how fast Mortar is, as ratios to a constant answer of the same size from the same Fastify in the same
 * run. Absolute figures depend on the machine and on what else it does; the ratios are what is compared.
 */
import { fork } from "node:child_process";
import { once } from "node:events";
import { cpus } from "node:os";
import { parseArgs } from "node:util";
import { load, type Measurement, median } from "./load.ts";
import { measureIdleMemory } from "./memory.ts";
import { identifyScenarios, type Scenario } from "./scenarios.ts";
import type { ServerMessage } from "./server.ts";

const { values: options } = parseArgs({
  options: {
    contacts: { type: "string", default: "100000" },
    seconds: { type: "string", default: "4" },
    rounds: { type: "string", default: "3" },
    connections: { type: "string", default: "1,64" },
  },
});
const contacts = Number(options.contacts);
const seconds = Number(options.seconds);
const rounds = Number(options.rounds);

const idle = await measureIdleMemory();
const child = fork(new URL("./server.ts", import.meta.url), [String(contacts)], { execArgv: ["--import", "tsx"] });
process.on("exit", () => child.kill());
const { url, environmentId } = await answer("url");
console.log(`Node ${process.version}, ${cpus().length} cores (${cpus()[0]?.model ?? "unknown"}), ${contacts} contacts`);
console.log(`${rounds} rounds of ${seconds} s each, interleaved; the median round counts\n`);
const scenarios = identifyScenarios(environmentId, contacts);
for (const connections of options.connections.split(",").map(Number)) report(connections, await measure(scenarios, connections));
console.log(`resident memory of a server just started: ${idle} MB (without its database)`);
child.send("stop");
await once(child, "exit");

/** The median measurement of each scenario. A short unmeasured round first lets the server's code get compiled. */
async function measure(all: readonly Scenario[], connections: number): Promise<Map<string, Measurement>> {
  for (const scenario of all) await load(url, scenario, { connections, seconds: 1 });
  const measured = new Map<string, Measurement[]>(all.map(({ name }) => [name, []]));
  for (let round = 0; round < rounds; round++)
    for (const scenario of all) measured.get(scenario.name)?.push(await load(url, scenario, { connections, seconds }));
  return new Map([...measured].map(([name, measurements]) => [name, median(measurements)]));
}

function report(connections: number, results: Map<string, Measurement>): void {
  console.log(`${connections} connection${connections === 1 ? "" : "s"}`.padEnd(36), "requests/s   ratio   p50 ms   p99 ms");
  for (const { name, baseline } of scenarios) {
    const result = results.get(name);
    const base = baseline === undefined ? undefined : results.get(baseline);
    if (!result) continue;
    const ratio = base ? (result.requestsPerSecond / base.requestsPerSecond).toFixed(2) : "";
    console.log(
      name.padEnd(36),
      result.requestsPerSecond.toFixed(0).padStart(10),
      ratio.padStart(7),
      ms(result.p50),
      ms(result.p99),
    );
  }
  console.log();
}

function ms(value: number): string {
  return value.toFixed(value < 10 ? 2 : 0).padStart(8);
}

/** The server's next message that has the key. */
async function answer(key: "url"): Promise<ServerMessage> {
  return new Promise((resolve, reject) => {
    child.once("exit", (code) => reject(new Error(`the server ended with ${code}`)));
    child.on("message", function receive(message: ServerMessage) {
      if (!(key in message)) return;
      child.off("message", receive);
      resolve(message);
    });
  });
}
