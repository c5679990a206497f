/** Ours and others' patches of `fetch` at once, in every order of enabling and disabling. */
import { context } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { UndiciInstrumentation } from '@opentelemetry/instrumentation-undici';
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { HttpResponse, http } from 'msw';
import { setupServer } from 'msw/node';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { patchFetch } from '../../src/intercept/fetch.js';
import { gist, record } from './recording.js';
import { type Server, startServer } from './transparency/server.js';

const native = globalThis.fetch;
let server: Server;

beforeAll(async () => {
  server = await startServer();
});

afterEach(() => {
  globalThis.fetch = native;
});

interface Patch {
  enable(): void;
  disable(): void;
}

function plainWrapper(): Patch & { count: number } {
  let original = native;
  return {
    count: 0,
    enable() {
      original = globalThis.fetch;
      globalThis.fetch = (...args) => {
        this.count += 1;
        return original(...args);
      };
    },
    disable() {
      globalThis.fetch = original;
    },
  };
}

function ours() {
  const recording = record();
  let patch: ReturnType<typeof patchFetch> | undefined;
  return {
    recording,
    enable() {
      patch = patchFetch(recording.hooks);
    },
    disable: () => patch?.unpatch(),
  };
}

const text = async (path: string) => (await fetch(server.origin + path, { method: 'POST', body: 'x' })).text();
const whole = ['responded 200', 'waiting', 'bytes', 'ended'];

describe.each([
  ['ours first, ours leaves first', 0, 0],
  ['ours first, ours leaves last', 0, 1],
  ['ours second, ours leaves first', 1, 0],
  ['ours second, ours leaves last', 1, 1],
])('%s', (_, enabled, disabled) => {
  async function together(other: Patch, between: (call: () => Promise<string>) => Promise<void>) {
    const own = ours();
    const [first, second] = enabled === 0 ? [own, other] : [other, own];
    first.enable();
    second.enable();
    await between(() => text('/text'));
    const [leaves, stays] = disabled === 0 ? [own, other] : [other, own];
    leaves.disable();
    const afterOne = await text('/text');
    stays.disable();
    return { own, afterOne };
  }

  it('beside a plain wrapper: each sees each call once, and what is left is native or passes through', async () => {
    const other = plainWrapper();
    const { own, afterOne } = await together(other, async (call) => {
      expect(await call()).toBe('chunk-0;chunk-1;chunk-2;');
    });
    expect(afterOne).toBe('chunk-0;chunk-1;chunk-2;');
    expect(gist(own.recording.attempts[0]?.log ?? [])).toEqual(whole);
    expect(other.count).toBe(disabled === 0 ? 2 : 1);
    const [seenByUs, seenByThem] = [own.recording.attempts.length, other.count];
    expect(await text('/text')).toBe('chunk-0;chunk-1;chunk-2;');
    expect(own.recording.attempts).toHaveLength(seenByUs);
    // A wrapper that assigns blindly puts our pass-through back; ours never brings it back.
    expect(other.count).toBe(seenByThem);
  });

  it('beside msw: what reaches us, mocked or passed, is seen once', async () => {
    const msw = setupServer(http.post('http://mocked.example/v1', () => HttpResponse.text('mocked')));
    const other = { enable: () => msw.listen({ onUnhandledRequest: 'bypass' }), disable: () => msw.close() };
    const { own } = await together(other, async (call) => {
      expect(await (await fetch('http://mocked.example/v1', { method: 'POST', body: 'x' })).text()).toBe('mocked');
      expect(await call()).toBe('chunk-0;chunk-1;chunk-2;');
    });
    // What msw answers itself never reaches a fetch that was patched before it.
    const [passed] = own.recording.attempts.slice(enabled);
    if (enabled === 1) expect(own.recording.attempts[0]?.content).toBe('mocked');
    expect(passed?.content).toBe('chunk-0;chunk-1;chunk-2;');
    expect(gist(passed?.log ?? [])).toEqual(whole);
    expect(own.recording.unannounced.filter((line) => line.includes('mocked'))).toEqual([]);
  });

  it('beside instrumentation-undici: its span is made, and ours sees the wire', async () => {
    const exporter = new InMemorySpanExporter();
    const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
    context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
    const instrumentation = new UndiciInstrumentation();
    instrumentation.disable();
    instrumentation.setTracerProvider(provider);
    const { own } = await together(instrumentation, async (call) => void (await call()));
    context.disable();
    expect(exporter.getFinishedSpans().length).toBe(disabled === 0 ? 2 : 1);
    expect(gist(own.recording.attempts[0]?.log ?? [])).toEqual(whole);
    expect(own.recording.attempts[0]?.log).toContain('wireEnded');
  });
});
