/** The Instrumentation class: composes all of it, and switches `intercept/` on and off. */
import { type Tracer, type TracerProvider, trace } from '@opentelemetry/api';
import { InstrumentationBase, type InstrumentationModuleDefinition } from '@opentelemetry/instrumentation';
import { type CallOptions, createCallHooks } from './call.js';
import { type LlmStreamInstrumentationConfig, readSettings, type Settings } from './config.js';
import { guard } from './guard.js';
import { type FetchPatch, patchFetch } from './intercept/fetch.js';
import { DIALECT_NAMES } from './protocol/dialects/index.js';
import { SCHEMA_URL } from './telemetry/semconv.js';
import { openSpan } from './telemetry/span-sink.js';
import { PACKAGE_NAME, PACKAGE_VERSION } from './version.js';

/**
 * One span per LLM call made through global `fetch`, ended exactly once, with where, why and how the stream failed.
 * Register it with `registerInstrumentations` or `NodeSDK`, before LLM clients are built: they keep the `fetch` they find.
 *
 * @example
 * ```ts
 * new NodeSDK({ instrumentations: [new LlmStreamInstrumentation()] }).start();
 * ```
 */
export class LlmStreamInstrumentation extends InstrumentationBase<LlmStreamInstrumentationConfig> {
  // `declare`: the base class enables us from its constructor, before fields of this class would be initialised.
  declare private options: CallOptions;
  declare private llmTracer: Tracer | undefined;
  declare private patch: FetchPatch | undefined;

  /** @param config - see {@link LlmStreamInstrumentationConfig}; a bad value costs a `diag` line, never an exception */
  constructor(config: LlmStreamInstrumentationConfig = {}) {
    super(PACKAGE_NAME, PACKAGE_VERSION, config);
  }

  protected override init(): InstrumentationModuleDefinition[] {
    return [];
  }

  /** Patches global `fetch`. Enabling twice, or beside another copy of this package, changes nothing. */
  override enable(): void {
    super.enable();
    guard('enable', () => {
      if (this.patch?.installed) return;
      this.patch = patchFetch(createCallHooks(() => this.options));
      if (!this.patch.installed) {
        this._diag.warn(
          '`fetch` is observed already, by another instance or copy of this package; this one records nothing',
        );
      }
    });
  }

  /** Puts `fetch` back; where somebody wrapped it since, ours becomes a pass-through. Calls under way are recorded to their end. */
  override disable(): void {
    super.disable();
    guard('disable', () => this.patch?.unpatch());
    this.patch = undefined;
  }

  /** Takes effect from the next call on. */
  override setConfig(config: LlmStreamInstrumentationConfig): void {
    super.setConfig(config);
    this.options = this.optionsFrom(readSettings(this.getConfig(), process.env, DIALECT_NAMES));
  }

  override setTracerProvider(provider: TracerProvider): void {
    super.setTracerProvider(provider);
    this.llmTracer = tracerOf(provider);
  }

  private optionsFrom(settings: Settings): CallOptions {
    const { stallThresholdMs, idleTimeoutMs, missingDoneEvent, endpoints, exceptionMessages } = settings;
    return {
      endpoints,
      machine: { stallThresholdMs, idleTimeoutMs, missingDoneEvent },
      exceptionMessages,
      record: (description) => {
        const span = openSpan(this.llmTracer ?? tracerOf(trace.getTracerProvider()), description, settings);
        return { sinks: [span.sink], recording: span.recording, around: (send) => span.around(send) };
      },
    };
  }
}

function tracerOf(provider: TracerProvider): Tracer {
  return provider.getTracer(PACKAGE_NAME, PACKAGE_VERSION, { schemaUrl: SCHEMA_URL });
}
