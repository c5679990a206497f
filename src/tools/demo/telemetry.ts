/**
 * What an application does to have its streams explained: the instrumentation under a real NodeSDK, exporting OTLP/HTTP.
 */
import type { tracing } from '@opentelemetry/sdk-node';
import { LlmStreamInstrumentation } from '../../index.js';
import { load } from './load.js';
import type { Job } from './messages.js';

export interface Telemetry {
  /** Sends what is there, and says how it went with the backend; undefined where there is none. */
  shutdown(): Promise<BackendExport | undefined>;
}

export interface BackendExport {
  readonly sent: number;
  readonly problem?: string;
}

/** A backend that does not answer has to say so before the demo is stopped. */
const BACKEND_TIMEOUT_MS = 4_000;

export async function startTelemetry({ receiverUrl, backendUrl, stallThresholdMs }: Job): Promise<Telemetry> {
  const sdkNode = await load('@opentelemetry/sdk-node', () => import('@opentelemetry/sdk-node'));
  const { OTLPTraceExporter } = await load(
    '@opentelemetry/exporter-trace-otlp-http',
    () => import('@opentelemetry/exporter-trace-otlp-http'),
  );
  const { BatchSpanProcessor } = sdkNode.tracing;
  const backend =
    backendUrl === undefined
      ? undefined
      : counted(new OTLPTraceExporter({ url: backendUrl, timeoutMillis: BACKEND_TIMEOUT_MS }));
  const sdk = new sdkNode.NodeSDK({
    serviceName: 'llm-stream-demo',
    autoDetectResources: false,
    spanProcessors: [
      new BatchSpanProcessor(new OTLPTraceExporter({ url: `${receiverUrl}/v1/traces` })),
      ...(backend === undefined ? [] : [new BatchSpanProcessor(backend.exporter)]),
    ],
    instrumentations: [new LlmStreamInstrumentation({ stallThresholdMs })],
  });
  sdk.start();
  return {
    async shutdown() {
      try {
        await sdk.shutdown();
      } catch (error) {
        // It rejects with the backend's error too, which is a result here.
        if (backend?.result().problem === undefined) throw error;
      }
      return backend?.result();
    },
  };
}

/** An exporter whose results somebody counts: the SDK itself only logs them. */
function counted(inner: tracing.SpanExporter): { exporter: tracing.SpanExporter; result(): BackendExport } {
  let sent = 0;
  let problem: string | undefined;
  return {
    exporter: {
      export(spans, resultCallback) {
        inner.export(spans, (result) => {
          if (result.error === undefined) sent += spans.length;
          else problem = result.error.message || result.error.name;
          resultCallback(result);
        });
      },
      shutdown: () => inner.shutdown(),
    },
    result: () => ({ sent, ...(problem !== undefined && { problem }) }),
  };
}
