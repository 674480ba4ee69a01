/**
 * `npm run load`: the mix of calls that the SDKs of a busy app send, open-loop: a call is due when it is due, and a
 * server that is late is late for all that follow. Starts the built server on an embedded database of its own.
 *
 *   --rate N --minutes N     so many calls a second for so long (default 100 for 10): p95 and errors
 *   --search                 the highest rate that holds p95 below 300 ms without an error
 *   --overload               twice what the server can do: how much of it is still served, how soon it recovers
 *   --soak N                 the rate for so many minutes, and how the server's memory grows
 *   --contacts N             known contacts (default 10,000)
 */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { cpus } from "node:os";
import { parseArgs } from "node:util";
import { startBuiltServer } from "../bench/built-server.ts";
import { createMix } from "./mix.ts";
import { createLoader, isGood, type Outcome, percentile } from "./open-loop.ts";

const API_KEY = "fbk_load-0123456789abcdef";
const ENVIRONMENT = "loadenvironment";
const GOOD_P95_MS = 300;
/** An answer that comes later is worth nothing to the user who waits for it. */
const WORTH_MS = 3_000;

const { values: given } = parseArgs({
  options: {
    rate: { type: "string", default: "100" },
    minutes: { type: "string", default: "10" },
    search: { type: "boolean", default: false },
    overload: { type: "boolean", default: false },
    soak: { type: "string" },
    contacts: { type: "string", default: "10000" },
  },
});
const rate = Number(given.rate);
const contacts = Number(given.contacts);

const variables = { RATE_LIMIT: "off", BOOTSTRAP_API_KEY: API_KEY, BOOTSTRAP_ENVIRONMENT_ID: ENVIRONMENT };
const server = await startBuiltServer(variables, given.overload ? divideCores() : undefined);
try {
  const surveyId = await makeSurvey();
  const loader = createLoader(server.url, createMix({ environmentId: ENVIRONMENT, surveyId, contacts }));
  await loader.closedLoop({ connections: 32, seconds: 10 }); // contacts are made, code is compiled
  if (given.search) await search(loader);
  else if (given.overload) await overload(loader);
  else if (given.soak !== undefined) await soak(loader, Number(given.soak));
  else report(`${rate} a second for ${given.minutes} min`, await loader.openLoop({ rate, seconds: Number(given.minutes) * 60 }));
  await loader.close();
} finally {
  await server.stop();
}

type Loader = ReturnType<typeof createLoader>;

async function search(loader: Loader): Promise<void> {
  const holds = async (candidate: number) => {
    const outcomes = await loader.openLoop({ rate: candidate, seconds: 10 });
    report(`${candidate} a second`, outcomes);
    return outcomes.every(isGood) && percentile(outcomes, 0.95) < GOOD_P95_MS;
  };
  let [good, bad] = [0, rate];
  while (await holds(bad)) [good, bad] = [bad, bad * 2];
  while (bad - good > Math.max(10, good / 20)) {
    const middle = Math.round((good + bad) / 2);
    if (await holds(middle)) good = middle;
    else bad = middle;
  }
  console.log(`highest rate with p95 < ${GOOD_P95_MS} ms: ${good} a second`);
}

async function overload(loader: Loader): Promise<void> {
  const seconds = 20;
  const full = await loader.closedLoop({ connections: 64, seconds: 15 });
  const capacity = full.filter(isGood).length / 15;
  console.log(`capacity: ${Math.round(capacity)} a second (64 connections, one call after another)`);
  const [before, startedAt] = [process.cpuUsage(), performance.now()];
  const outcomes = await loader.openLoop({ rate: capacity * 2, seconds });
  const { user, system } = process.cpuUsage(before);
  report("twice that", outcomes);
  // Callers without time to call wait for themselves: near 100 % the figures below say nothing of the server.
  console.log(`the callers were busy for ${percent((user + system) / 1_000 / (performance.now() - startedAt))} of the time`);
  const worth = outcomes.filter((outcome) => isGood(outcome) && outcome.ms < WORTH_MS).length / seconds;
  console.log(
    `goodput (2xx within ${WORTH_MS / 1_000} s): ${Math.round(worth)} a second, ${percent(worth / capacity)} of capacity`,
  );
  const after = await loader.openLoop({ rate: capacity / 2, seconds: 15 });
  const isCalm = (second: number) => {
    const those = after.filter((outcome) => outcome.second === second);
    return those.every(isGood) && percentile(those, 0.95) < GOOD_P95_MS;
  };
  const calm = Array.from({ length: 15 }, (_, second) => second).findIndex(isCalm);
  console.log(`recovered (a second without error, p95 < ${GOOD_P95_MS} ms) after ${calm === -1 ? "more than 15" : calm} s`);
}

async function soak(loader: Loader, minutes: number): Promise<void> {
  const samples: { minute: number; megabytes: number }[] = [];
  const errors: number[] = [];
  for (let minute = 0; minute < minutes; minute++) {
    const outcomes = await loader.openLoop({ rate, seconds: 60 });
    errors.push(outcomes.filter((outcome) => !isGood(outcome)).length);
    samples.push({ minute, megabytes: residentMegabytes() });
    console.log(
      `minute ${minute + 1}: ${samples.at(-1)?.megabytes.toFixed(1)} MB, p95 ${percentile(outcomes, 0.95).toFixed(1)} ms`,
    );
  }
  const settled = samples.slice(Math.floor(samples.length / 4)); // at first the heap grows to its size
  console.log(
    `errors: ${errors.reduce((sum, count) => sum + count, 0)}; memory: ${(slope(settled) * 60).toFixed(2)} MB an hour over the last ${settled.length} min`,
  );
}

/**
 * Callers who share the processor with the server would take from it what they are to measure. They get the machine's last
 * core, with `taskset`; the server and its database get the others, which are returned.
 */
function divideCores(): string | undefined {
  const last = cpus().length - 1;
  if (last === 0 || spawnSync("taskset", ["-p", "-c", String(last), String(process.pid)]).status !== 0) return undefined;
  console.log(`the server has ${last} of ${last + 1} cores, its callers the last one`);
  return `0-${last - 1}`;
}

/** Least squares, in megabytes a minute. */
function slope(samples: readonly { minute: number; megabytes: number }[]): number {
  const mean = (pick: (sample: { minute: number; megabytes: number }) => number) =>
    samples.reduce((sum, sample) => sum + pick(sample), 0) / samples.length;
  const [x, y] = [mean(({ minute }) => minute), mean(({ megabytes }) => megabytes)];
  const spread = samples.reduce((sum, { minute }) => sum + (minute - x) ** 2, 0);
  return spread === 0 ? 0 : samples.reduce((sum, { minute, megabytes }) => sum + (minute - x) * (megabytes - y), 0) / spread;
}

function residentMegabytes(): number {
  const [, kilobytes = "0"] = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${server.pid}/status`, "utf8")) ?? [];
  return Number(kilobytes) / 1_000;
}

function report(title: string, outcomes: readonly Outcome[]): void {
  const count = (pick: (outcome: Outcome) => boolean) => outcomes.filter(pick).length;
  const served = outcomes.filter(isGood);
  const others = outcomes.filter(({ status }) => status !== null && status >= 300 && status !== 503);
  const kinds = [...new Set(others.map(({ status }) => status))].join(", ");
  console.log(
    `${title}: ${outcomes.length} calls, p50 ${percentile(served, 0.5).toFixed(1)} ms, p95 ${percentile(served, 0.95).toFixed(1)} ms, p99 ${percentile(served, 0.99).toFixed(1)} ms; ` +
      `${count(({ status }) => status === 503)} refused (503), ${count(({ status }) => status === null)} unanswered, ` +
      `${others.length} other errors${kinds && ` (${kinds})`}`,
  );
}

async function makeSurvey(): Promise<string> {
  const action = await make("action-classes", { name: "Loaded", type: "code", key: "loaded" });
  return await make("surveys", {
    ...{ name: "Load", type: "app", status: "inProgress", triggers: [{ actionClass: { id: action } }] },
    questions: [{ id: "how", type: "openText", headline: { default: "How was it?" }, required: false }],
  });
}

/** Returns the new one's id. */
async function make(collection: string, body: object): Promise<string> {
  const response = await fetch(`${server.url}/api/v1/management/${collection}`, {
    method: "POST",
    headers: { "x-api-key": API_KEY, "content-type": "application/json" },
    body: JSON.stringify({ environmentId: ENVIRONMENT, ...body }),
  });
  const text = await response.text();
  const [, id] = /"data":\{.*?"id":"([^"]+)"/.exec(text) ?? [];
  if (!response.ok || id === undefined) throw new Error(`nothing was made in ${collection}: ${response.status} ${text}`);
  return id;
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}
