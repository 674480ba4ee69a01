/** The dashboard and the alert rules ask for metrics that there are, and the dashboard leaves none out. */
import { readFileSync } from "node:fs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import { startTestServer, type TestServer } from "../support/server.ts";

const Dashboard = z.object({
  panels: z.array(z.object({ id: z.number(), title: z.string(), targets: z.array(z.object({ expr: z.string() })).min(1) })),
});

const dashboardText = readFileSync("src/ops/grafana-dashboard.json", "utf8");
const alerts = readFileSync("src/ops/prometheus-alerts.yml", "utf8");

let server: TestServer;
let served: string[];
beforeAll(async () => {
  server = await startTestServer({ METRICS: true });
  await server.request.get("/nowhere").expect(404);
  const { text } = await server.request.get("/metrics").expect(200);
  served = [...new Set([...text.matchAll(/^(mortar_\w+)(?:\{.*\})? /gm)].map(([, name = ""]) => name))];
});
afterAll(() => server.close());

const namesIn = (text: string): string[] => [...new Set(text.match(/mortar_\w+/g))];
/** A histogram is served as three. */
const familyOf = (name: string): string => name.replace(/_(?:bucket|count|sum)$/, "");

test("every metric that the dashboard asks for is served", () => {
  const queries = Dashboard.parse(JSON.parse(dashboardText)).panels.flatMap(({ targets }) => targets.map(({ expr }) => expr));
  const wanted = namesIn(queries.join("\n"));
  expect(wanted.length).toBeGreaterThan(10);
  expect(wanted.filter((name) => !served.includes(name))).toEqual([]);
});

test("every metric that is served is on the dashboard", () => {
  const shown = namesIn(dashboardText).map(familyOf);
  expect(served.map(familyOf).filter((name) => !shown.includes(name))).toEqual([]);
});

test("every metric that an alert watches is served, and every alert says what it means and what to look at", () => {
  expect(namesIn(alerts).filter((name) => !served.includes(name))).toEqual([]);
  const rules = alerts.split("- alert: ").slice(1);
  expect(rules.length).toBeGreaterThan(5);
  for (const rule of rules) {
    expect(rule).toMatch(/^\w+\n +expr: .+\n +for: \d+m\n +labels: \{ severity: (?:warning|critical) \}\n/);
    expect(rule).toMatch(/\n +annotations:\n +summary: ".+"\n +description: ".+"/);
  }
});

test("panels have ids and titles of their own", () => {
  const { panels } = Dashboard.parse(JSON.parse(dashboardText));
  expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
  expect(new Set(panels.map(({ title }) => title)).size).toBe(panels.length);
});
