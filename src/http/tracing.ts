/**
 * OpenTelemetry, loaded by servers that have it switched on. Where spans go, which of them and under which name is said by
 * the standard variables (`OTEL_EXPORTER_OTLP_ENDPOINT`, `OTEL_SERVICE_NAME`, `OTEL_TRACES_SAMPLER` …), which the SDK reads.
 */
import { context, propagation, ROOT_CONTEXT, type Span, SpanKind, SpanStatusCode, trace as spans } from "@opentelemetry/api";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-http";
import { defaultResource, detectResources, envDetector, resourceFromAttributes } from "@opentelemetry/resources";
import { BatchSpanProcessor, NodeTracerProvider } from "@opentelemetry/sdk-trace-node";
import type { FastifyInstance, FastifyRequest } from "fastify";
import type { Trace } from "../shared/trace.ts";

export interface Tracing {
  /** A span for every request but those of probes, by its route's pattern. Call it before the routes are registered. */
  traceRequests(app: FastifyInstance): void;
  /** A span around a piece of work, below the request's that it is done for. */
  trace: Trace;
  /** Sends what is not sent yet. */
  close(): Promise<void>;
}

export function createTracing(): Tracing {
  const named = resourceFromAttributes({ "service.name": "mortar" });
  const resource = defaultResource()
    .merge(named)
    .merge(detectResources({ detectors: [envDetector] }));
  const provider = new NodeTracerProvider({ resource, spanProcessors: [new BatchSpanProcessor(new OTLPTraceExporter())] });
  provider.register();
  const tracer = provider.getTracer("mortar");
  return { traceRequests, trace, close: () => provider.shutdown() };

  function traceRequests(app: FastifyInstance): void {
    app.addHook("onRequest", (request, reply, done) => {
      if (request.routeOptions.logLevel === "warn") return done(); // probes
      const route = request.routeOptions.url ?? "none";
      const parent = isFromTrustedProxy(request) ? propagation.extract(ROOT_CONTEXT, request.headers) : ROOT_CONTEXT;
      const attributes = { "http.request.method": request.method, "http.route": route, "mortar.request.id": request.id };
      const span = tracer.startSpan(`${request.method} ${route}`, { kind: SpanKind.SERVER, attributes }, parent);
      reply.raw.once("close", () => endRequest(span, reply.statusCode));
      context.with(spans.setSpan(parent, span), done);
    });
  }

  function trace<Result>(name: string, attributes: Record<string, string | number>, work: () => Promise<Result>) {
    return tracer.startActiveSpan(name, { attributes }, async (span) => {
      try {
        return await work();
      } catch (error) {
        // Its message may quote what the caller sent.
        span.setStatus({ code: SpanStatusCode.ERROR, message: error instanceof Error ? error.name : "error" });
        throw error;
      } finally {
        span.end();
      }
    });
  }
}

function endRequest(span: Span, status: number): void {
  span.setAttribute("http.response.status_code", status);
  if (status >= 500) span.setStatus({ code: SpanStatusCode.ERROR });
  span.end();
}

/** Addresses beyond the peer's own are believed only when the peer is a proxy of TRUST_PROXY. */
const isFromTrustedProxy = ({ ips }: FastifyRequest): boolean => (ips?.length ?? 0) > 1;
