/** SDK 3.x under the names and the arguments of 2.x, so that the same tests run with both. */
const sdk = require('@opentelemetry/sdk-trace');

class SimpleSpanProcessor extends sdk.SimpleSpanProcessor {
  constructor(exporter) {
    super({ exporter });
  }
}

class BatchSpanProcessor extends sdk.BatchSpanProcessor {
  constructor(exporter, options) {
    super({ ...options, exporter });
  }
}

module.exports = { ...sdk, BasicTracerProvider: sdk.TracerProvider, SimpleSpanProcessor, BatchSpanProcessor };
