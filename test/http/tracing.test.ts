/** What a collector is sent, as OpenTelemetry's own exporter sends it. */
import { createServer as createHttpServer, type Server as HttpServer } from "node:http";
import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import { buildTenant } from "../support/build.ts";
import { startTestServer, type TestServer } from "../support/server.ts";

const Attribute = z.object({
  key: z.string(),
  value: z.object({ stringValue: z.string().optional(), intValue: z.number().optional() }),
});
const Span = z.object({
  traceId: z.string(),
  spanId: z.string(),
  parentSpanId: z.string().optional(),
  name: z.string(),
  attributes: z.array(Attribute),
});
const Export = z.object({
  resourceSpans: z.array(
    z.object({
      resource: z.object({ attributes: z.array(Attribute) }),
      scopeSpans: z.array(z.object({ spans: z.array(Span) })),
    }),
  ),
});

const bodies: string[] = [];
let collector: HttpServer;
let server: TestServer;
let environmentId: string;
const TRACE = "0af7651916cd43dd8448eb211c80319c";
const PARENT = "b7ad6b7169203331";

beforeAll(async () => {
  collector = createHttpServer((request, response) => {
    const parts: Buffer[] = [];
    request.on("data", (part: Buffer) => parts.push(part));
    request.on("end", () => {
      bodies.push(Buffer.concat(parts).toString());
      response.setHeader("content-type", "application/json").end("{}");
    });
  });
  await new Promise<void>((resolve) => collector.listen(0, "127.0.0.1", resolve));
  const address = collector.address();
  process.env.OTEL_EXPORTER_OTLP_ENDPOINT = `http://127.0.0.1:${typeof address === "object" ? address?.port : 0}`;
  process.env.OTEL_SERVICE_NAME = "mortar-under-test";
  server = await startTestServer({ TRACING: true, TRUST_PROXY: "10.0.0.1" });
  ({ environmentId } = await buildTenant(server.db));
  const traceparent = `00-${TRACE}-${PARENT}-01`;
  const identify = { method: "POST", url: `/api/v2/client/${environmentId}/user`, payload: { userId: "ada-lovelace" } } as const;
  await server.app.inject({ ...identify, remoteAddress: "10.0.0.1", headers: { traceparent, "x-forwarded-for": "192.0.2.7" } });
  await server.app.inject({ ...identify, remoteAddress: "10.0.0.2", headers: { traceparent, "x-forwarded-for": "192.0.2.7" } });
  await server.app.inject("/ready");
  await server.close(); // sends the rest
});
afterAll(() => {
  process.env.OTEL_EXPORTER_OTLP_ENDPOINT = "";
  process.env.OTEL_SERVICE_NAME = "";
  collector.close();
});

const exported = () => bodies.flatMap((body) => Export.parse(JSON.parse(body)).resourceSpans);
const spans = () => exported().flatMap(({ scopeSpans }) => scopeSpans.flatMap((scope) => scope.spans));

test("a request is a span by its route's pattern, with its status, below the trace of a trusted proxy only", () => {
  const requests = spans().filter(({ name }) => name === "POST /api/v2/client/:environmentId/user");
  expect(requests).toHaveLength(2);
  expect(requests.filter(({ traceId, parentSpanId }) => traceId === TRACE && parentSpanId === PARENT)).toHaveLength(1);
  for (const { attributes } of requests)
    expect(attributes).toContainEqual({ key: "http.response.status_code", value: { intValue: 200 } });
});

test("what the database does for a request is below it", () => {
  const request = spans().find(({ traceId, name }) => traceId === TRACE && name.startsWith("POST"));
  const below = spans().filter(({ parentSpanId }) => parentSpanId === request?.spanId);
  expect(below.map(({ name }) => name)).toContain("database environment_configuration");
});

test("probes are no spans, and no span names a person or an address", () => {
  expect(spans().filter(({ name }) => name.includes("/ready"))).toEqual([]);
  for (const text of ["ada-lovelace", "192.0.2.7", environmentId])
    expect(bodies.filter((body) => body.includes(text))).toEqual([]);
});

test("the standard variables say where to and under which name", () => {
  const names = exported().flatMap(({ resource }) => resource.attributes.filter(({ key }) => key === "service.name"));
  expect(names.length).toBeGreaterThan(0);
  expect(new Set(names.map(({ value }) => value.stringValue))).toEqual(new Set(["mortar-under-test"]));
});
