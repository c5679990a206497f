/** What a client process is: without OTel, with an SDK alone, with us. */

/** The modes by name; each prepares the process before anything else runs in it. */
export const MODES = {
  /** No OTel at all. */
  control: async () => {},
  /** `/register`, without a call: no SDK is loaded. */
  registered: async (build) => {
    await import(new URL('register.js', build));
  },
  /** An SDK that has exported: its exports enter an AsyncLocalStorage, which costs every promise on Node 20 and 22. */
  otel: async () => {
    await exportOne(await startSdk());
  },
  /** Ours, with an SDK that has not exported yet. */
  ours: async (build) => {
    await startOurs(build, await startSdk());
  },
  /** Ours, with an SDK that has exported. */
  'ours-exported': async (build) => {
    const provider = await startSdk();
    await exportOne(provider);
    await startOurs(build, provider);
  },
  /** OpenTelemetry's own instrumentation of the OpenAI SDK; hooks `require` alone, so all SDK cases require it. */
  peer: async () => {
    await startPeer(await startSdk());
  },
  /** The application opens one bare span with our start attributes per call: what spans cost without us. */
  spans: async () => {
    const provider = await startSdk();
    wrapInBareSpans(provider.getTracer('bench'));
  },
};

async function startSdk() {
  const { context, trace } = await import('@opentelemetry/api');
  const { AsyncLocalStorageContextManager } = await import('@opentelemetry/context-async-hooks');
  const { BasicTracerProvider, BatchSpanProcessor } = await import('@opentelemetry/sdk-trace-base');
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  const processor = new BatchSpanProcessor(new IdleExporter(), {
    // No export during a measurement: `otel` and `ours-exported` have one before it.
    scheduledDelayMillis: 600_000,
    maxQueueSize: 1_024,
    maxExportBatchSize: 1_024,
  });
  const provider = new BasicTracerProvider({ spanProcessors: [processor] });
  trace.setGlobalTracerProvider(provider);
  return provider;
}

class IdleExporter {
  export(_spans, done) {
    done({ code: 0 });
  }
  async shutdown() {}
  async forceFlush() {}
}

async function exportOne(provider) {
  provider.getTracer('bench').startSpan('one').end();
  await provider.forceFlush();
}

async function startOurs(build, tracerProvider) {
  const { LlmStreamInstrumentation } = await import(build);
  new LlmStreamInstrumentation().setTracerProvider(tracerProvider);
}

async function startPeer(tracerProvider) {
  const { OpenAIInstrumentation } = await import('@opentelemetry/instrumentation-openai');
  const { metrics } = await import('@opentelemetry/api');
  const instrumentation = new OpenAIInstrumentation();
  instrumentation.setTracerProvider(tracerProvider);
  // Its first call fails without.
  instrumentation.setMeterProvider(metrics.getMeterProvider());
}

function wrapInBareSpans(tracer) {
  const original = globalThis.fetch;
  globalThis.fetch = (...args) => {
    const span = tracer.startSpan('chat gpt-5.1', { kind: 2, attributes: { ...START_ATTRIBUTES } });
    for (const name of ['attempt', 'headers', 'first chunk', 'first token']) {
      span.addEvent(name, { 'llm_stream.elapsed_ms': 1, detail: 1 });
    }
    open.add(span);
    return original(...args);
  };
}

/** Held as an open call holds its span. */
const open = new Set();

const START_ATTRIBUTES = {
  'gen_ai.operation.name': 'chat',
  'gen_ai.provider.name': 'openai',
  'gen_ai.request.model': 'gpt-5.1',
  'server.address': '127.0.0.1',
  'server.port': 1,
  'gen_ai.request.stream': true,
  'openai.api.type': 'chat_completions',
  'llm_stream.request.body_size': 100,
  'llm_stream.request.message_count': 1,
  'llm_stream.api_key_present': true,
  'llm_stream.observed_by': ['fetch'],
};
