// An application's own exporter: it writes each span to stdout.
const { SimpleSpanProcessor } = require('@opentelemetry/sdk-trace-base');

const exporter = {
  export(spans, done) {
    for (const { name } of spans) console.log(`its own ${name}`);
    done({ code: 0 });
  },
  async shutdown() {},
};

exports.spanProcessors = [new SimpleSpanProcessor(exporter)];
