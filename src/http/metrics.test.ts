import fastify from "fastify";
import { describe, expect, it } from "vitest";
import { createMetrics, type DeliveryFigures, type MetricJson } from "./metrics.ts";

const FIGURES = {
  ...{ undistributed: 2, pending: 30, sending: 4, oldestDueSeconds: 1.5 },
  outcomes: { delivered: 100, retried: 20, failed: 1 },
};

async function open(
  identifyWaiting: number,
  gather?: () => Promise<MetricJson[][]>,
  webhookDeliveries: () => Promise<DeliveryFigures> = async () => FIGURES,
) {
  const metrics = await createMetrics({
    sources: {
      identifyQueue: () => ({ waiting: identifyWaiting, running: 1 }),
      typeConflicts: () => identifyWaiting * 2,
      connections: () => ({ total: 4, idle: 3, waiting: 0 }),
      uncountedRequests: () => 3,
      refusedRequests: () => 4,
      webhookDeliveries,
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

  it("tell what waits for webhooks, looked up once for all of it, and how attempts ended", async () => {
    let looks = 0;
    const { scrape } = await open(0, undefined, async () => {
      looks++;
      return FIGURES;
    });
    await scrape();
    const text = await scrape();
    expect(looks).toBe(2);
    for (const line of [
      'queue{state="undistributed"} 2',
      'queue{state="pending"} 30',
      'queue{state="sending"} 4',
      "oldest_due_seconds 1.5",
      'attempts_total{outcome="delivered"} 100',
      'attempts_total{outcome="retried"} 20',
      'attempts_total{outcome="failed"} 1',
    ])
      expect(text).toContain(`\nmortar_webhook_${line}\n`);
  });

  it("count what waits for webhooks once, however many processes know of it, and add up what each sent", async () => {
    const others = await Promise.all([open(0), open(0)]);
    const { scrape } = await open(0, async () => Promise.all(others.map(({ metrics }) => metrics.collect())));
    const text = await scrape();
    expect(text).toContain('\nmortar_webhook_queue{state="pending"} 30\n');
    expect(text).toContain("\nmortar_webhook_oldest_due_seconds 1.5\n");
    expect(text).toContain('\nmortar_webhook_attempts_total{outcome="delivered"} 200\n');
  });

  it.each([
    ["is away", () => Promise.reject(new Error("away"))],
    ["does not answer", () => new Promise<never>(() => undefined)],
  ])("do without the database when it %s", async (_title, webhookDeliveries) => {
    const { scrape } = await open(7, undefined, webhookDeliveries);
    expect(await scrape()).toContain("\nmortar_identify_queue_waiting 7\n");
  });
});
