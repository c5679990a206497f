// A tracer provider that writes each span to stdout when it ends.
const { BasicTracerProvider, SimpleSpanProcessor } = require('@opentelemetry/sdk-trace-base');

const exporter = {
  export(spans, done) {
    for (const { name, attributes } of spans) console.log(`span ${JSON.stringify({ name, attributes })}`);
    done({ code: 0 });
  },
  async shutdown() {},
};

exports.spanProcessors = [new SimpleSpanProcessor(exporter)];
exports.tracerProvider = new BasicTracerProvider({ spanProcessors: exports.spanProcessors });
