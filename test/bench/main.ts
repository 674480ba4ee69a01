/**
 * `npm run bench`: how fast Mortar is, as ratios to a constant answer of the same size from the same Fastify in the same
 * run, and to itself in another situation. Absolute figures depend on the machine and on what else it does; the ratios
 * are what is compared.
 *
 *   --quick                  about a minute: fewer contacts, shorter rounds
 *   --contacts N             in the large environment (default 1,000,000)
 *   --seconds N, --rounds N  of each measurement; rounds are interleaved and the median one counts
 *   --connections N,N        numbers of connections to load with
 *   --only PATTERN           the throughput of scenarios whose names match, nothing else
 *   --workers N|auto         measure also the shipped server with so many workers against one
 *   --report FILE            write the tables to a Markdown file, too
 *   --peer URL --environment ID   the same load on any server that speaks the client API, and Mortar's ratio to it
 */
import { fork } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { measureMemory, startBuiltServer } from "./built-server.ts";
import { measureBulk } from "./bulk.ts";
import { cpuTime } from "./cpu.ts";
import { load, type Measurement, median, medianOf, timeRequests } from "./load.ts";
import { describeMachine, ms, ratioTable, table, throughputTable } from "./report.ts";
import { MEASURED_DEEPER, peerScenarios, RATIOS, type Scenario, scenariosOf } from "./scenarios.ts";
import type { ServerMessage, ServerRequest } from "./server.ts";

const { values: given } = parseArgs({
  options: {
    quick: { type: "boolean", default: false },
    contacts: { type: "string" },
    seconds: { type: "string" },
    rounds: { type: "string", default: "3" },
    connections: { type: "string" },
    only: { type: "string" },
    workers: { type: "string" },
    report: { type: "string" },
    peer: { type: "string" },
    environment: { type: "string" },
  },
});
const contacts = Number(given.contacts ?? (given.quick ? 20_000 : 1_000_000));
const seconds = Number(given.seconds ?? (given.quick ? 1 : 4));
const rounds = Number(given.rounds);
const connectionCounts = (given.connections ?? (given.quick ? "32" : "1,64")).split(",").map(Number);
if ((given.peer === undefined) !== (given.environment === undefined)) throw new Error("--peer and --environment go together");

/** A scenario and the server that it is sent to. */
interface Target {
  /** Under which its result is kept. */
  name: string;
  url: string;
  scenario: Scenario;
}

const sections: string[] = [];
const idleSeconds = given.only === undefined ? 60 : 0;
const memory = await measureMemory(idleSeconds * 1_000);
const child = fork(new URL("./server.ts", import.meta.url), [String(contacts)], { execArgv: ["--import", "tsx"] });
process.on("exit", () => child.kill());
const { url, ground, postmaster, database, databaseVersion } = await answer("listening");
say(
  `# Mortar's speed\n\n${describeMachine(databaseVersion)}\n\n${contacts} contacts; medians of ${rounds} interleaved rounds of ${seconds} s`,
);
const pattern = new RegExp(given.only ?? "");
const scenarios = scenariosOf(ground).filter(({ name }) => pattern.test(name));
for (const connections of connectionCounts) {
  const results = await measure(targets(url, scenarios), connections);
  const ratios = RATIOS.filter(({ of, to }) => results.has(of) && results.has(to));
  say(`## ${connections} connection${connections === 1 ? "" : "s"}`, throughputTable(results), ratioTable(results, ratios));
}
if (given.only === undefined) {
  await measureOneByOne();
  say("## Lists, one after another", await measureBulk());
}
if (given.workers !== undefined) await measureWorkers(given.workers);
if (given.peer !== undefined && given.environment !== undefined) await measurePeer(given.peer, given.environment);
say(
  `Resident memory without the database: ${memory.started ?? "?"} MB at the end of the start, ${memory.idle ?? "?"} MB after ${idleSeconds} s without requests`,
);
if (given.report !== undefined) writeFileSync(given.report, `${sections.join("\n\n")}\n`);
ask({ kind: "stop" });
await once(child, "exit");

/** Prints it, and keeps it for the report. */
function say(...parts: string[]): void {
  sections.push(...parts);
  console.log(`${parts.join("\n\n")}\n`);
}

function targets(at: string, all: readonly Scenario[]): Target[] {
  return all.map((scenario) => ({ name: scenario.name, url: at, scenario }));
}

/**
 * The median measurement of each. An unmeasured round first lets the servers' code get compiled; every other round runs
 * backwards, so that nobody always follows the same neighbour.
 */
async function measure(all: readonly Target[], connections: number, warmUpSeconds = 1): Promise<Map<string, Measurement>> {
  for (const target of all) await load(target.url, target.scenario, { connections, seconds: warmUpSeconds });
  const measured = new Map<string, Measurement[]>(all.map(({ name }) => [name, []]));
  for (let round = 0; round < rounds; round++)
    for (const { name, url: at, scenario } of round % 2 === 0 ? all : all.toReversed())
      measured.get(name)?.push(await load(at, scenario, { connections, seconds }));
  return new Map([...measured].map(([name, measurements]) => [name, median(measurements)]));
}

/** One identify at a time: what it adds to its own statement, and the processor time it takes. */
async function measureOneByOne(): Promise<void> {
  const identify = scenarioNamed(MEASURED_DEEPER.identify);
  const constant = scenarioNamed(MEASURED_DEEPER.constant);
  const medians: Record<"identify" | "constant" | "statement" | "cpu", number[]> = {
    ...{ identify: [], constant: [], statement: [], cpu: [] },
  };
  for (let round = 0; round < rounds; round++) {
    medians.constant.push(medianOf(await timeRequests(url, constant, seconds)));
    const before = cpu();
    const times = await timeRequests(url, identify, seconds);
    const after = cpu();
    medians.identify.push(medianOf(times));
    if (before !== null && after !== null) medians.cpu.push((after - before) / times.length);
    ask({ kind: "statement", seconds });
    medians.statement.push(medianOf((await answer("statement")).times));
  }
  const [whole, statement] = [medianOf(medians.identify), medianOf(medians.statement)];
  const rows = [
    ["identify, p50", ms(whole)],
    ["its statement alone, p50", ms(statement)],
    ["added by the server, p50", ms(whole - statement)],
    ["constant answer, p50", ms(medianOf(medians.constant))],
    ["processor time of an identify, server and database", medians.cpu.length > 0 ? ms(medianOf(medians.cpu)) : "?"],
  ];
  say("## One request after another", table(["", "ms"], rows));
}

function cpu(): number | null {
  return cpuTime({ server: child.pid ?? 0, postmaster });
}

function scenarioNamed(name: string): Scenario {
  const scenario = scenarios.find((each) => each.name === name);
  if (!scenario) throw new Error(`no scenario "${name}"`);
  return scenario;
}

/** The shipped server with one process and with several, over the same database. */
async function measureWorkers(workers: string): Promise<void> {
  const shared = { DATABASE_URL: database, RATE_LIMIT: "off", ENCRYPTION_KEY: "0".repeat(32) };
  const [one, several] = ["1 process", `${workers} workers`];
  const servers = [
    { name: one, server: await startBuiltServer(shared) },
    { name: several, server: await startBuiltServer({ ...shared, WORKERS: workers }) },
  ];
  try {
    const scenario = scenarioNamed(MEASURED_DEEPER.identify);
    const connections = Math.max(...connectionCounts);
    const results = await measure(
      servers.map(({ name, server }) => ({ name, url: server.url, scenario })),
      connections,
      5, // each worker compiles for itself
    );
    const ratios = ratioTable(results, [{ of: several, to: one }]);
    say(`## Workers: ${scenario.name}, ${connections} connections`, throughputTable(results), ratios);
  } finally {
    for (const { server } of servers) await server.stop();
  }
}

/** The same load on Mortar and on the peer, each on an environment of its own. */
async function measurePeer(peer: string, environmentId: string): Promise<void> {
  const connections = Math.max(...connectionCounts);
  const ours = targets(url, peerScenarios(ground.small.environmentId));
  const theirs = targets(peer.replace(/\/+$/, ""), peerScenarios(environmentId));
  const both = [...ours, ...theirs.map((target) => ({ ...target, name: `peer: ${target.name}` }))];
  const results = await measure(both, connections);
  const ratios = ours.map(({ name }) => ({ of: name, to: `peer: ${name}` }));
  say(`## Beside ${peer}, ${connections} connections`, throughputTable(results), ratioTable(results, ratios));
}

function ask(request: ServerRequest): void {
  child.send(request);
}

/** The server's next message of the kind. */
async function answer<Kind extends ServerMessage["kind"]>(kind: Kind): Promise<Extract<ServerMessage, { kind: Kind }>> {
  const isWanted = (message: ServerMessage): message is Extract<ServerMessage, { kind: Kind }> => message.kind === kind;
  return new Promise((resolve, reject) => {
    const onExit = (code: number | null) => reject(new Error(`the server ended with ${code}`));
    child.once("exit", onExit);
    child.on("message", function receive(message: ServerMessage) {
      if (!isWanted(message)) return;
      child.off("message", receive);
      child.off("exit", onExit);
      resolve(message);
    });
  });
}
