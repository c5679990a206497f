/**
 * A span that is begun before there is an SDK: it has its ids, and keeps what is done to it until an SDK is loaded.
 * So the first call neither waits for an SDK nor is lost. Times come from whoever records, and stay theirs.
 */
import {
  type Attributes,
  type AttributeValue,
  type Context,
  type Exception,
  isSpanContextValid,
  type Link,
  type Span,
  type SpanContext,
  type SpanOptions,
  type SpanStatus,
  type TimeInput,
  TraceFlags,
  type Tracer,
  trace,
} from '@opentelemetry/api';

/** As the SDK's; an SDK that takes this one gives a span the ids that it was promised. */
export interface IdGenerator {
  generateTraceId(): string;
  generateSpanId(): string;
}

/** Ids of 16 and 8 random bytes, or, while `as` runs, those of a span that was begun already. */
export class PromisedIds implements IdGenerator {
  #promised: SpanContext | undefined;

  generateTraceId(): string {
    return this.#promised?.traceId ?? randomHex(16);
  }

  generateSpanId(): string {
    return this.#promised?.spanId ?? randomHex(8);
  }

  /** Runs `begin`, in which one span gets these ids. */
  as<T>(promised: SpanContext, begin: () => T): T {
    this.#promised = promised;
    try {
      return begin();
    } finally {
      this.#promised = undefined;
    }
  }
}

export class DeferredSpan implements Span {
  readonly #context: SpanContext;
  readonly #name: string;
  readonly #options: SpanOptions;
  readonly #parent: Context;
  readonly #ended: () => void;
  /** Bounded by whoever records: one span has so many attributes and span events. */
  #kept: ((span: Span) => void)[] = [];
  #span: Span | undefined;

  /** @param ended - called when the span ends before it is handed over */
  constructor(ids: IdGenerator, name: string, options: SpanOptions, parent: Context, ended: () => void) {
    const around = trace.getSpanContext(parent);
    const isChild = options.root !== true && around !== undefined && isSpanContextValid(around);
    this.#context = {
      traceId: isChild ? around.traceId : ids.generateTraceId(),
      spanId: ids.generateSpanId(),
      traceFlags: TraceFlags.SAMPLED,
    };
    this.#name = name;
    this.#options = { startTime: Date.now(), ...options };
    this.#parent = parent;
    this.#ended = ended;
  }

  /** Begins the span in earnest, under the same ids, and does to it what was done so far; the sampler has its say now. */
  handOver(tracer: Tracer, ids: PromisedIds): void {
    const span = ids.as(this.#context, () => tracer.startSpan(this.#name, this.#options, this.#parent));
    this.#span = span;
    const kept = this.#kept;
    this.#kept = [];
    for (const act of kept) act(span);
  }

  spanContext(): SpanContext {
    return this.#span?.spanContext() ?? this.#context;
  }

  isRecording(): boolean {
    return this.#span?.isRecording() ?? true;
  }

  setAttribute(key: string, value: AttributeValue): this {
    return this.#act((span) => span.setAttribute(key, value));
  }

  setAttributes(attributes: Attributes): this {
    return this.#act((span) => span.setAttributes(attributes));
  }

  addEvent(name: string, attributesOrStartTime?: Attributes | TimeInput, startTime: TimeInput = Date.now()): this {
    return this.#act((span) => span.addEvent(name, attributesOrStartTime, startTime));
  }

  addLink(link: Link): this {
    return this.#act((span) => span.addLink(link));
  }

  addLinks(links: Link[]): this {
    return this.#act((span) => span.addLinks(links));
  }

  setStatus(status: SpanStatus): this {
    return this.#act((span) => span.setStatus(status));
  }

  updateName(name: string): this {
    return this.#act((span) => span.updateName(name));
  }

  recordException(exception: Exception, time: TimeInput = Date.now()): void {
    this.#act((span) => span.recordException(exception, time));
  }

  end(endTime: TimeInput = Date.now()): void {
    const isEarly = this.#span === undefined;
    this.#act((span) => span.end(endTime));
    if (isEarly) this.#ended();
  }

  #act(act: (span: Span) => void): this {
    if (this.#span === undefined) this.#kept.push(act);
    else act(this.#span);
    return this;
  }
}

function randomHex(bytes: number): string {
  const random = crypto.getRandomValues(new Uint8Array(bytes));
  // All zeros are no id: it is one in 2^64, and the fix is one bit.
  random[0] = (random[0] ?? 0) | 1;
  return Buffer.from(random).toString('hex');
}
