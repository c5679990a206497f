/**
 * The SDK of our own, where the application has none: begun at the first call, loaded once that has ended. Private: it
 * is registered nowhere, so an application that registers its own later finds every place free.
 */
// Not the global: a fake one of a test never fires.
import { setImmediate } from 'node:timers';
import * as api from '@opentelemetry/api';
import { guard } from '../guard.js';
import { type Built, buildProvider } from './build-provider.js';
import { DeferredSpan, PromisedIds } from './deferred-span.js';
import { type Environment, readPlan, type SdkPlan } from './environment.js';
import { installLine } from './install-line.js';
import { nameOf } from './name-of.js';
import { say } from './say.js';
import { type FromSdk, findSdk, type SpanProcessor } from './sdk-packages.js';

/** As a tracer of an API is asked for. */
export type TracerArguments = Parameters<api.TracerProvider['getTracer']>;

export interface OwnSdk {
  /** Begins a span. Undefined: there is nothing to record it with. */
  startSpan(tracer: TracerArguments, name: string, options: api.SpanOptions, parent: api.Context): api.Span | undefined;
}

type State =
  | { readonly type: 'unused' }
  | {
      readonly type: 'deferring';
      readonly fromSdk: FromSdk;
      readonly plan: SdkPlan;
      readonly spans: Deferred[];
      steps?: Steps;
    }
  | ({ readonly type: 'running' } & Built)
  /** A package is missing or broken. */
  | { readonly type: 'absent' };

interface Deferred {
  readonly tracer: TracerArguments;
  readonly span: DeferredSpan;
}

type Steps = ReturnType<typeof buildProvider>;

export interface OwnSdkOptions {
  readonly environment: Environment;
  readonly spanEventLimit: number;
  /** Called once, with what sends all that has ended, when there is something to send for the first time. */
  onFirstSpan(exits: Flushing): void;
}

/** What the end of the process is told to. */
export interface Flushing {
  /** A span has ended since the last `flush`. */
  hasUnsent(): boolean;
  /** Sends what has ended. Never rejects; does nothing where nothing ended since. */
  flush(): Promise<void>;
  /** From now on each span is sent as soon as it ends. */
  hurry(): void;
  /** The process exits now: writes what can be written at once. Does nothing where all that is asked for would have to wait. */
  exiting(): void;
}

export function createOwnSdk({ environment, spanEventLimit, onFirstSpan }: OwnSdkOptions): OwnSdk {
  const ids = new PromisedIds();
  let state: State = { type: 'unused' };
  let unsent = false;
  let hurried = false;
  let flushesSoon = false;

  function startSpan(tracer: TracerArguments, name: string, options: api.SpanOptions, parent: api.Context) {
    if (state.type === 'unused') begin();
    switch (state.type) {
      case 'running':
        return state.provider.getTracer(...tracer).startSpan(name, options, parent);
      case 'deferring': {
        const span = new DeferredSpan(ids, name, options, parent, ended);
        state.spans.push({ tracer, span });
        return span;
      }
      case 'unused':
      case 'absent':
        return undefined;
    }
  }

  function begin(): void {
    const fromSdk = findSdk();
    if (fromSdk === undefined) {
      state = { type: 'absent' };
      const line = installLine(process.versions.node, 'logs' in api ? '1.10' : '1.9');
      say(
        `no traces are sent: \`@opentelemetry/sdk-node\` is not installed, and the application has no tracer provider. Run: ${line}`,
      );
      return;
    }
    // First: from then on what the plan complains of is heard.
    onFirstSpan({ hasUnsent: () => unsent, flush, hurry, exiting });
    const plan = readPlan(environment, spanEventLimit);
    state = { type: 'deferring', fromSdk, plan, spans: [] };
  }

  function ended(): void {
    unsent = true;
    if (hurried) flushSoon();
    // The call is over, so nobody waits for it; the next ones are not held up for longer than one step takes.
    else if (state.type === 'deferring' && state.steps === undefined) stepLater();
  }

  function stepLater(): void {
    // Not unref'd: a loop with nothing else to do would sleep instead, until somebody else's timer or byte wakes it.
    setImmediate(() => {
      if (guard('loading', advance)) stepLater();
    });
  }

  /** One step of loading; false where there is none left. */
  function advance(): boolean {
    if (state.type !== 'deferring') return false;
    const deferring = state;
    try {
      const { fromSdk, plan } = deferring;
      deferring.steps ??= buildProvider({ fromSdk, environment, plan, idGenerator: ids, last });
      const step = deferring.steps.next();
      if (step.done) run(step.value, deferring.spans);
      return !step.done;
    } catch (error) {
      state = { type: 'absent' };
      say(
        `no traces are sent: ${nameOf(error)} while loading what \`@opentelemetry/sdk-node\` is made of; reinstall it`,
      );
      return false;
    }
  }

  function run(built: Built, spans: readonly Deferred[]): void {
    state = { type: 'running', ...built };
    for (const { tracer, span } of spans) {
      // Each by itself: what fails for one must not keep the others.
      guard('deferred span', () => span.handOver(built.provider.getTracer(...tracer), ids));
    }
  }

  const last: SpanProcessor = {
    onStart() {},
    onEnd() {
      unsent = true;
      if (hurried) flushSoon();
    },
    forceFlush: async () => {},
    shutdown: async () => {},
  };

  /** Once for all that end together. */
  function flushSoon(): void {
    if (flushesSoon) return;
    flushesSoon = true;
    queueMicrotask(() => {
      flushesSoon = false;
      void flush();
    });
  }

  async function flush(): Promise<void> {
    if (!unsent) return;
    guard('loading', () => {
      while (advance());
    });
    // After it: spans that are handed over end in it.
    unsent = false;
    try {
      if (state.type === 'running') await state.provider.forceFlush();
    } catch {
      // What an exporter fails at, is said where it does.
    }
  }

  function hurry(): void {
    hurried = true;
    void flush();
  }

  function exiting(): void {
    if (state.type === 'deferring' && !writes(state.plan)) return;
    while (advance());
    if (state.type === 'running') state.writing?.writeNow();
  }

  return { startSpan };
}

/** Whether some exporter writes while a span ends. */
function writes({ exporters }: SdkPlan): boolean {
  return exporters.includes('console');
}
