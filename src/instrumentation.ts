/** The Instrumentation class: composes all of it, and switches `intercept/` on and off. */
import type { MeterProvider, TracerProvider } from '@opentelemetry/api';
import type { LoggerProvider } from '@opentelemetry/api-logs';
import {
  InstrumentationBase,
  type InstrumentationModuleDefinition,
  InstrumentationNodeModuleDefinition,
} from '@opentelemetry/instrumentation';
import type { CallOptions } from './call/call.js';
import { createCallHooks } from './call/hooks.js';
import { callOptions, globalRecorders, type Recorders, sourceOf, type TracerSource } from './compose.js';
import { type LlmStreamInstrumentationConfig, readSettings } from './config.js';
import { guard } from './guard.js';
import type { CallHooks, SdkHooks } from './intercept/call-hooks.js';
import { type FetchPatch, patchFetch } from './intercept/fetch.js';
import { type OpenAIPatch, patchOpenAI } from './intercept/openai/patch.js';
import { processState } from './process-state.js';
import { DIALECT_NAMES } from './protocol/dialects/index.js';
import { isNode } from './runtime.js';
import { PACKAGE_NAME, PACKAGE_VERSION } from './version.js';

const OPENAI_VERSIONS = ['>=4 <8'];

/**
 * One span per LLM call made through global `fetch` or the OpenAI SDK, ended exactly once, with where, why and how the
 * stream failed. Register it with `registerInstrumentations` or `NodeSDK`, before LLM clients are imported and built:
 * they keep the `fetch` they find.
 *
 * @example
 * ```ts
 * new NodeSDK({ instrumentations: [new LlmStreamInstrumentation()] }).start();
 * ```
 */
export class LlmStreamInstrumentation extends InstrumentationBase<LlmStreamInstrumentationConfig> {
  // `declare`: the base class enables us from its constructor, before fields of this class would be initialised.
  declare private options: CallOptions;
  declare private source: TracerSource | undefined;
  declare private recorders: Recorders | undefined;
  declare private patch: FetchPatch | undefined;
  /** The patches are those of `/register`, which tell this one. */
  declare private handBack: (() => void) | undefined;
  declare private hooks: (CallHooks & SdkHooks) | undefined;
  /** Exports of every copy of the SDK that was loaded, and the patch of each: the base class remembers the last one only. */
  declare private openai: Map<unknown, OpenAIPatch | undefined> | undefined;

  /** @param config - see {@link LlmStreamInstrumentationConfig}; a bad value costs a `diag` line, never an exception */
  constructor(config: LlmStreamInstrumentationConfig = {}) {
    super(PACKAGE_NAME, PACKAGE_VERSION, config);
  }

  protected override init(): InstrumentationModuleDefinition[] {
    const load = (exports: unknown) => {
      guard('openai', () => this.loaded(exports));
      return exports;
    };
    return [new InstrumentationNodeModuleDefinition('openai', OPENAI_VERSIONS, load)];
  }

  /** Patches global `fetch` and the OpenAI SDK. Enabling twice, beside another copy of this package, or on Bun or Deno, changes nothing; the one of `/register` gives way. */
  override enable(): void {
    if (!isNode()) return;
    super.enable();
    guard('enable', () => {
      if (this.patch?.installed || this.handBack) return;
      this.hooks ??= createCallHooks(() => this.options);
      this.patch = patchFetch(this.hooks);
      if (!this.patch.installed) this.handBack = processState().zeroCode?.giveWayTo(this.hooks);
      if (!this.patch.installed && !this.handBack) {
        this._diag.warn(
          '`fetch` is observed already, by another instance or copy of this package; this one records nothing',
        );
        return;
      }
      const state = processState();
      state.hooks = this.hooks;
      state.wasEnabled = true;
      for (const exports of this.openai?.keys() ?? []) this.loaded(exports);
    });
  }

  /** Puts everything back; where somebody wrapped it since, ours becomes a pass-through. Calls under way are recorded to their end. */
  override disable(): void {
    super.disable();
    guard('disable', () => {
      this.patch?.unpatch();
      for (const [exports, patch] of this.openai ?? []) {
        patch?.unpatch();
        this.openai?.set(exports, undefined);
      }
      const state = processState();
      if (state.hooks === this.hooks) state.hooks = undefined;
      this.handBack?.();
      this.handBack = undefined;
      this.recorders?.gauges.takeAway();
      // After the rest: calls under way are recorded to their end, which may be this provider's.
      this.recorders?.tracerProviders.stop();
    });
    this.patch = undefined;
  }

  /** Takes effect from the next call on. */
  override setConfig(config: LlmStreamInstrumentationConfig): void {
    super.setConfig(config);
    this.recorders ??= {
      ...globalRecorders(),
      tracerSource: () => (isPlaceholder(this.source) ? undefined : this.source),
    };
    const settings = readSettings(this.getConfig(), process.env, DIALECT_NAMES);
    this.options = callOptions(settings, this.recorders);
  }

  override setTracerProvider(provider: TracerProvider): void {
    super.setTracerProvider(provider);
    this.source = sourceOf(provider);
  }

  /** Where the calls' metrics are recorded from the next call on; one that records nothing stands for the global one. */
  override setMeterProvider(provider: MeterProvider): void {
    super.setMeterProvider(provider);
    if (this.recorders) this.recorders.given.meterProvider = provider;
  }

  /** Where log records go from the next call on, where options ask for them; a stand-in stands for the global one. */
  override setLoggerProvider(provider: LoggerProvider): void {
    super.setLoggerProvider(provider);
    if (this.recorders) this.recorders.given.loggerProvider = provider;
  }

  private loaded(exports: unknown): void {
    this.openai ??= new Map();
    const patch = this.hooks && this.patch?.installed ? patchOpenAI(exports, this.hooks) : undefined;
    this.openai.set(exports, patch);
  }
}

/**
 * A provider that only stands for the global one, before there is any. `@opentelemetry/api` 1.10 has an ES module build beside
 * the CommonJS one, each with a stand-in of its own: the one that `registerInstrumentations` (CommonJS) hands over never
 * hears of an SDK that an ES module registers. The global one is then asked for, call by call.
 */
function isPlaceholder(source: TracerSource | undefined): boolean {
  if (source === undefined) return false;
  const { provider } = source;
  if (!('getDelegateTracer' in provider) || typeof provider.getDelegateTracer !== 'function') return false;
  return provider.getDelegateTracer(PACKAGE_NAME, PACKAGE_VERSION) === undefined;
}
