/** As the SDK's simple processor, for the console; at the end of the process it does not wait for the resource, either. */
import { type SpanContext, TraceFlags } from '@opentelemetry/api';
import { guard } from '../guard.js';
import type { Resource, SpanExporter, SpanProcessor } from './sdk-packages.js';

interface EndedSpan {
  spanContext(): SpanContext;
}

export class WritingProcessor implements SpanProcessor {
  /** The resource is complete, and so nothing waits any more. */
  readonly #settled: Promise<void>;
  readonly #exporter: SpanExporter;
  readonly #resource: Resource;
  #waiting: EndedSpan[] = [];

  constructor(exporter: SpanExporter, resource: Resource) {
    this.#exporter = exporter;
    this.#resource = resource;
    const write = () => this.#write((span) => span);
    // A detector that fails leaves out what it was asked for.
    this.#settled = Promise.resolve(resource.waitForAsyncAttributes?.()).then(write, write);
  }

  onStart(): void {}

  onEnd(span: EndedSpan): void {
    if ((span.spanContext().traceFlags & TraceFlags.SAMPLED) === 0) return;
    this.#waiting.push(span);
    if (!this.#resource.asyncAttributesPending) this.#write((one) => one);
  }

  /** Writes what waits, with what is known of the resource. */
  writeNow(): void {
    const attributes = attributesSoFar(this.#resource);
    this.#write((span) => Object.create(span, { resource: { value: { attributes } } }));
  }

  forceFlush(): Promise<void> {
    return this.#settled;
  }

  // Nobody calls it: the provider is ours, and lives as long as the process.
  async shutdown(): Promise<void> {}

  #write(seen: (span: EndedSpan) => object): void {
    const spans = this.#waiting;
    this.#waiting = [];
    if (spans.length > 0) guard('console', () => this.#exporter.export(spans.map(seen), () => {}));
  }
}

/** As `attributes`, which complains. */
function attributesSoFar(resource: Resource): Record<string, unknown> {
  const known = resource.getRawAttributes().filter(([, value]) => value != null && !(value instanceof Promise));
  // Of several by one name the first one counts.
  return Object.fromEntries(known.reverse());
}
