/** Spans as an application's exporter sends them, with the attributes that a test says: what no call can be made to have. */
import { type Attributes, ROOT_CONTEXT, SpanStatusCode, trace } from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { resources, tracing } from '@opentelemetry/sdk-node';

export interface Application {
  /** One trace, of one span; with `inFailedRequest`, of two. @returns its id */
  call(attributes: Attributes, inFailedRequest?: boolean): string;
  /** Until all is sent. */
  close(): Promise<void>;
}

/** @param url - as `OTEL_EXPORTER_OTLP_ENDPOINT` wants it */
export function startApplication(url: string, resource: Attributes): Application {
  const exporter = new OTLPTraceExporter({ url: `${url}/v1/traces` });
  const provider = new tracing.BasicTracerProvider({
    resource: resources.resourceFromAttributes(resource),
    spanProcessors: [new tracing.BatchSpanProcessor(exporter)],
  });
  const tracer = provider.getTracer('application');
  return {
    call(attributes, inFailedRequest = false) {
      const call = tracer.startSpan('chat', { attributes, root: true });
      if (inFailedRequest) {
        const parent = trace.setSpan(ROOT_CONTEXT, call);
        const request = tracer.startSpan('request', {}, parent);
        request.setStatus({ code: SpanStatusCode.ERROR });
        request.end();
      }
      call.end();
      return call.spanContext().traceId;
    },
    close: () => provider.shutdown(),
  };
}
