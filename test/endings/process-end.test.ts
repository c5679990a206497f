/** The process ends while calls are open: each has one ended span, where JavaScript still runs. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startReceiver } from '../../src/tools/receiver.js';
import { type Applications, startApplications } from './run.js';

let applications: Applications;
beforeAll(async () => {
  applications = await startApplications();
});
afterAll(() => applications.close());

/** What a span says whose stream was in its text when the process ended. */
const SHUT_DOWN = {
  'llm_stream.outcome': 'cancelled',
  'llm_stream.failure_stage': 'unknown',
  'llm_stream.stage': 'after_first_token',
  'llm_stream.termination_kind': 'shutdown',
  'llm_stream.fault': 'application',
  status: 0,
};

describe('1,000 open streams', () => {
  test('are 1,000 ended spans at process.exit()', async () => {
    const { code, stderr, spans } = await applications.run('exit');
    expect({ code, stderr, count: spans.length }).toEqual({ code: 3, stderr: '', count: 1_000 });
    for (const span of spans) expect(span).toMatchObject(SHUT_DOWN);
  });

  test('are 1,000 exported spans where a handler of SIGTERM awaits sdk.shutdown()', async () => {
    const receiver = await startReceiver();
    const { code, signal, stderr } = await applications.run('sigterm', {
      environment: { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url },
      onSaid: (_, kill) => kill('SIGTERM'),
    });
    await receiver.close();
    expect({ code, signal, stderr }).toEqual({ code: 0, signal: null, stderr: '' });
    expect(terminationsOf(receiver.traces)).toEqual({ shutdown: 1_000 });
  });

  test('are 1,000 exported spans at sdk.shutdown(), and none at forceFlush()', async () => {
    const receiver = await startReceiver();
    const { code, stderr, said } = await applications.run('sdkShutdown', {
      environment: { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url },
    });
    await receiver.close();
    expect({ code, stderr, said }).toEqual({
      code: 0,
      stderr: '',
      said: [{ endedByFlush: 0 }, { endedByShutdown: 1_000 }],
    });
    expect(terminationsOf(receiver.traces)).toEqual({ shutdown: 1_000 });
  });
});

describe('open streams end', () => {
  test('with an uncaught exception', async () => {
    const { code, stderr, spans } = await applications.run('throws');
    expect({ code, count: spans.length }).toEqual({ code: 1, count: 3 });
    expect(stderr).toContain('RangeError: the application itself');
    for (const span of spans) expect(span).toMatchObject(SHUT_DOWN);
  });

  test('where nothing keeps the process alive any more, before the application hears of it', async () => {
    const { code, stderr, said, spans } = await applications.run('beforeExit');
    expect({ code, stderr, said }).toEqual({ code: 0, stderr: '', said: [{ beforeExit: 0 }, { exit: 0 }] });
    expect(spans).toEqual([expect.objectContaining(SHUT_DOWN)]);
  });

  test('in a worker that exits; those of the main thread are its own', async () => {
    const { code, stderr, said, spans } = await applications.run('workers');
    expect({ code, stderr, said }).toEqual({
      code: 0,
      stderr: '',
      said: [{ endedInWorker: 0 }, { workerExit: 5 }, { open: 'open', endedInMain: 2 }],
    });
    expect(spans.map((span) => span['llm_stream.termination_kind'])).toEqual(Array(4).fill('shutdown'));
  });
});

describe('the process', () => {
  test('of an application that makes no call has the listeners, handles and exit code it has without us', async () => {
    const withUs = await applications.run('idleProcess');
    expect(withUs).toEqual(await applications.run('idleProcess', { withoutLibrary: true }));
    expect(withUs).toMatchObject({ code: 7, stderr: '', said: [{ ended: 0 }, { limit: 10 }] });
  });

  test('has one listener of ours for several copies, while calls are open, and no warning of a leak', async () => {
    const { code, stderr, said, spans } = await applications.run('manyListeners');
    expect({ code, stderr, said }).toEqual({
      code: 0,
      stderr: '',
      said: [
        { copies: 2, ours: [1, 1] },
        { ended: 4, again: 0 },
        { ours: [0, 0], limit: 10 },
      ],
    });
    expect(spans).toHaveLength(4);
  });
});

describe('another version of this package was there first', () => {
  test('whose record lacks fields', async () => {
    const { code, stderr, said, spans } = await applications.run('versions', { arguments: ['older'] });
    expect({ code, stderr, said, count: spans.length }).toEqual({
      code: 0,
      stderr: '',
      said: [{ open: 'open', ended: 3, sameRecord: true }, { unheardOf: null }],
      count: 3,
    });
  });

  test('whose record has more fields, and open calls', async () => {
    const { code, stderr, said, spans } = await applications.run('versions', { arguments: ['newer'] });
    expect({ code, stderr, said, count: spans.length }).toEqual({
      code: 0,
      stderr: '',
      said: [{ open: 'open', ended: 7, sameRecord: true }, { unheardOf: 'kept' }],
      count: 3,
    });
  });

  test('whose hooks lack what a later one asks for: the application notices nothing', async () => {
    const { code, stderr, said } = await applications.run('versions', { arguments: ['enabled'] });
    expect({ code, stderr, said }).toEqual({
      code: 0,
      stderr: '',
      said: [{ answer: 'Hello there.', raw: 200 }],
    });
  });
});

/** How the received spans ended, counted. */
function terminationsOf(bodies: readonly Uint8Array[]): Record<string, number> {
  const counts: Record<string, number> = {};
  const pattern = /"llm_stream\.termination_kind","value":\{"stringValue":"(\w+)"/g;
  for (const body of bodies) {
    for (const [, kind = ''] of Buffer.from(body).toString().matchAll(pattern)) counts[kind] = (counts[kind] ?? 0) + 1;
  }
  return counts;
}
