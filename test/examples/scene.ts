/** What every example meets: the packed package it is installed from, a provider, and a receiver of what it exports. */
import { afterAll, afterEach, beforeAll, beforeEach } from 'vitest';
import { chatText, type FaultyProvider, startFaultyProvider } from '../../src/testing/index.js';
import { type Collector, startCollector } from '../register/collector.js';
import { type Example, openWorkshop, type Workshop } from './run.js';

/** What the examples ask for: so it is a scenario's name. */
export const MODEL = 'gpt-4o-mini';
export const HELLO = { reply: chatText(['Hello', ' world']) };

export interface Scene {
  readonly provider: FaultyProvider;
  readonly collector: Collector;
  /** Where both are. */
  readonly environment: Readonly<Record<string, string>>;
  install(example: string): Promise<Example>;
}

/** One workshop for a file; a provider and a receiver for each test. */
export function openScene(): Scene {
  let workshop: Workshop;
  let provider: FaultyProvider;
  let collector: Collector;
  beforeAll(async () => {
    workshop = await openWorkshop();
  });
  afterAll(() => workshop.remove());
  beforeEach(async () => {
    provider = await startFaultyProvider();
    collector = await startCollector();
  });
  afterEach(() => Promise.all([provider.close(), collector.close()]));
  return {
    get provider() {
      return provider;
    },
    get collector() {
      return collector;
    },
    get environment() {
      return {
        OPENAI_API_KEY: 'none',
        OPENAI_BASE_URL: `${provider.url}/v1`,
        OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
      };
    },
    install: (example) => workshop.install(example),
  };
}
