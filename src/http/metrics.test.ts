import fastify from "fastify";
import { describe, expect, it } from "vitest";
import { createMetrics, type MetricJson } from "./metrics.ts";

async function open(identifyWaiting: number, gather?: () => Promise<MetricJson[][]>) {
  const metrics = await createMetrics({
    sources: {
      identifyQueue: () => ({ waiting: identifyWaiting, running: 1 }),
      typeConflicts: () => identifyWaiting * 2,
      connections: () => ({ total: 4, idle: 3, waiting: 0 }),
    },
    gather,
  });
  const app = fastify();
  metrics.measure(app);
  app.get("/things/:id", async () => "thing");
  const scrape = async () => (await app.inject("/metrics")).body;
  return { app, metrics, scrape };
}

describe("the metrics", () => {
  it("count requests by pattern, method and class of status, without a path or an id", async () => {
    const { app, scrape } = await open(7);
    for (const path of ["/things/secret", "/things/secret", "/unknown/secret"]) await app.inject(path);
    const text = await scrape();
    expect(text).toContain('mortar_http_request_duration_seconds_count{route="/things/:id",method="GET",status="2xx"} 2\n');
    expect(text).toContain('mortar_http_request_duration_seconds_count{route="none",method="GET",status="4xx"} 1\n');
    expect(text).not.toContain("secret");
    for (const line of [
      "identify_queue_waiting 7",
      "identify_queue_running 1",
      "type_conflicts_total 14",
      "database_connections_total 4",
    ])
      expect(text).toContain(`\nmortar_${line}\n`);
    expect(text).toContain("\nmortar_http_requests_in_flight 1\n"); // the reading itself
    expect(Number(/\nmortar_process_resident_memory_bytes (\d+)\n/.exec(text)?.[1])).toBeGreaterThan(10_000_000);
    expect(text).toMatch(/\nmortar_event_loop_delay_p99_seconds \d/);
  });

  it("are those of all processes together when there are several", async () => {
    const others = await Promise.all([open(2), open(3)]);
    for (const { app } of others) await app.inject("/things/1");
    const { scrape } = await open(0, async () => Promise.all(others.map(({ metrics }) => metrics.collect())));
    const text = await scrape();
    expect(text).toContain('mortar_http_request_duration_seconds_count{route="/things/:id",method="GET",status="2xx"} 2\n');
    expect(text).toContain("\nmortar_identify_queue_waiting 5\n");
    expect(text).toContain("\nmortar_type_conflicts_total 10\n");
  });
});
