/** What an application gives to the library: tracer, context manager, logger, endpoint. Each part throws when it is told to. */
import {
  type Context,
  type ContextManager,
  context,
  DiagLogLevel,
  diag,
  type Span,
  type Tracer,
  type TracerProvider,
} from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import {
  AlwaysOnSampler,
  BasicTracerProvider,
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base';
import { type Breakable, LIBRARY } from './round.js';

export interface Given {
  /** What throws from now on. */
  broken: Breakable | undefined;
  readonly tracerProvider: TracerProvider;
  readonly endpoint: RegExp;
  readonly headers: Headers;
  /** How often something threw since the last `reset`. */
  readonly thrown: number;
  /** What was said over `diag` since then. */
  readonly lines: readonly string[];
  /** Spans of calls to a model that ended since then. Of other models an earlier round may have left one to the garbage. */
  spans(model: string): readonly ReadableSpan[];
  reset(): void;
  /** Runs in the context of a span of the application's own. */
  inSpan<T>(run: () => T): T;
}

/** For the whole process: the API takes one context manager and one logger. */
export function createGiven(): Given {
  const lines: string[] = [];
  let broken: Breakable | undefined;
  let thrown = 0;
  const use = (part: string): void => {
    if (part !== broken) return;
    thrown += 1;
    throw new RangeError(`CANARY: ${part} is broken`);
  };

  const exporter = new InMemorySpanExporter();
  const processor = breakable(new SimpleSpanProcessor(exporter), 'processor', use);
  const sampler = breakable(new AlwaysOnSampler(), 'sampler', use);
  const provider = new BasicTracerProvider({ spanProcessors: [processor], sampler });
  // The application's own spans must not break with what it gave to the library.
  const application = new BasicTracerProvider().getTracer('application');
  context.setGlobalContextManager(breakableManager(use));
  const log = (message: string): void => {
    lines.push(message);
    use('diag');
  };
  diag.setLogger({ error: log, warn: log, info: log, debug: log, verbose: log }, DiagLogLevel.WARN);

  return {
    get broken() {
      return broken;
    },
    set broken(part) {
      broken = part;
    },
    tracerProvider: { getTracer: (...args) => breakableTracer(provider.getTracer(...args), use) },
    endpoint: new BreakableRegExp(use),
    headers: headersOfAnotherMake(use),
    get thrown() {
      return thrown;
    },
    lines,
    spans: (model) =>
      exporter.getFinishedSpans().filter(({ attributes }) => attributes['gen_ai.request.model'] === model),
    reset() {
      thrown = 0;
      lines.length = 0;
      exporter.reset();
    },
    inSpan: (run) =>
      application.startActiveSpan('application', (span) => {
        span.end();
        return run();
      }),
  };
}

type Use = (part: string) => void;

/** The same object, whose methods throw when they are broken. */
function breakable<T extends object>(target: T, name: string, use: Use): T {
  return new Proxy(target, {
    get(_, key) {
      const value: unknown = Reflect.get(target, key);
      if (typeof value !== 'function') return value;
      return (...args: unknown[]): unknown => {
        use(`${name}.${String(key)}`);
        return Reflect.apply(value, target, args);
      };
    },
  });
}

function breakableTracer(tracer: Tracer, use: Use): Tracer {
  const startSpan: Tracer['startSpan'] = (...args): Span => {
    use('tracer.startSpan');
    return breakable(tracer.startSpan(...args), 'span', use);
  };
  return new Proxy(tracer, { get: (_, key) => (key === 'startSpan' ? startSpan : Reflect.get(tracer, key)) });
}

/** Throws at the library alone: the application, which uses the same manager, would see its own error. */
function breakableManager(use: Use): ContextManager {
  const manager = new AsyncLocalStorageContextManager();
  const useByLibrary = (part: string): void => {
    const frames = new Error('who asks').stack?.split('\n') ?? [];
    // Behind the API's own frame stands who called it: the library, or the SDK on its behalf.
    const asker = frames[frames.findIndex((frame) => frame.includes('ContextAPI')) + 1];
    if (asker?.includes(LIBRARY)) use(part);
  };
  return {
    active(): Context {
      useByLibrary('context.active');
      return manager.active();
    },
    with(active, run, thisArg, ...args) {
      useByLibrary('context.with, before it calls');
      const result = manager.with(active, run, thisArg, ...args);
      useByLibrary('context.with, after it called');
      return result;
    },
    bind: (active, target) => manager.bind(active, target),
    enable() {
      return this;
    },
    disable() {
      return this;
    },
  };
}

/** To the platform it is an iterable of pairs. */
function headersOfAnotherMake(use: Use): Headers {
  const headers = {
    [Symbol.toStringTag]: 'Headers',
    get(): string {
      use('headers.get');
      return 'application/json';
    },
    [Symbol.iterator]: () => [['content-type', 'application/json']].values(),
  };
  // Part of it is enough for `fetch`.
  return headers as unknown as Headers;
}

/** Matches nothing. */
class BreakableRegExp extends RegExp {
  readonly #use: Use;

  constructor(use: Use) {
    super('^no request$');
    this.#use = use;
  }

  override exec(text: string): RegExpExecArray | null {
    this.#use('endpoint.exec');
    return super.exec(text);
  }
}
