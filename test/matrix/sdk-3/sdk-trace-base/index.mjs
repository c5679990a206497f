/** SDK 3.x under the names and the arguments of 2.x, so that the same tests run with both. */
import * as sdk from '@opentelemetry/sdk-trace';

export * from '@opentelemetry/sdk-trace';
export { TracerProvider as BasicTracerProvider } from '@opentelemetry/sdk-trace';

export class SimpleSpanProcessor extends sdk.SimpleSpanProcessor {
  constructor(exporter) {
    super({ exporter });
  }
}

export class BatchSpanProcessor extends sdk.BatchSpanProcessor {
  constructor(exporter, options) {
    super({ ...options, exporter });
  }
}
