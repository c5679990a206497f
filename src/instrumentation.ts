/** The Instrumentation class: composes all of it, and switches `intercept/` on and off. */
import type { Tracer, TracerProvider } from '@opentelemetry/api';
import {
  InstrumentationBase,
  type InstrumentationModuleDefinition,
  InstrumentationNodeModuleDefinition,
} from '@opentelemetry/instrumentation';
import type { CallOptions } from './call/call.js';
import { createCallHooks } from './call/hooks.js';
import { callOptions, tracerOf } from './compose.js';
import { type LlmStreamInstrumentationConfig, readSettings } from './config.js';
import { guard } from './guard.js';
import type { CallHooks, SdkHooks } from './intercept/call-hooks.js';
import { type FetchPatch, patchFetch } from './intercept/fetch.js';
import { type OpenAIPatch, patchOpenAI } from './intercept/openai/patch.js';
import { processState } from './process-state.js';
import { DIALECT_NAMES } from './protocol/dialects/index.js';
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
  declare private llmTracer: Tracer | undefined;
  declare private patch: FetchPatch | undefined;
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

  /** Patches global `fetch` and the OpenAI SDK. Enabling twice, or beside another copy of this package, changes nothing. */
  override enable(): void {
    super.enable();
    guard('enable', () => {
      if (this.patch?.installed) return;
      this.hooks ??= createCallHooks(() => this.options);
      this.patch = patchFetch(this.hooks);
      if (!this.patch.installed) {
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
    });
    this.patch = undefined;
  }

  /** Takes effect from the next call on. */
  override setConfig(config: LlmStreamInstrumentationConfig): void {
    super.setConfig(config);
    this.options = callOptions(readSettings(this.getConfig(), process.env, DIALECT_NAMES), () => this.llmTracer);
  }

  override setTracerProvider(provider: TracerProvider): void {
    super.setTracerProvider(provider);
    this.llmTracer = tracerOf(provider);
  }

  private loaded(exports: unknown): void {
    this.openai ??= new Map();
    const patch = this.hooks && this.patch?.installed ? patchOpenAI(exports, this.hooks) : undefined;
    this.openai.set(exports, patch);
  }
}
