/** Calls that the application holds, and the end of the process: their spans end with what was said, and nothing waits for them. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Applications, startApplications } from './run.js';

let applications: Applications;
beforeAll(async () => {
  applications = await startApplications();
});
afterAll(() => applications.close());

/** Of a stream that was read to its end and held, of which one thing was said. */
const HELD = {
  'llm_stream.outcome': 'completed',
  'llm_stream.termination_kind': 'done_event',
  'llm_stream.persistence_status': 'ok',
  'llm_stream.processing_status': 'unknown',
  status: 0,
};

describe('1,000 held calls', () => {
  test('are 1,000 ended spans at process.exit()', async () => {
    const { code, stderr, spans } = await applications.run('holds', { arguments: ['exit'] });
    expect({ code, stderr, count: spans.length }).toEqual({ code: 3, stderr: '', count: 1_000 });
    for (const span of spans) expect(span).toMatchObject(HELD);
  });

  test('keep no process alive, though their limit is ten minutes', async () => {
    // The process is killed after a minute.
    const { code, signal, stderr, spans } = await applications.run('holds', { arguments: ['end'] });
    expect({ code, signal, stderr, count: spans.length }).toEqual({ code: 0, signal: null, stderr: '', count: 1_000 });
    for (const span of spans) expect(span).toMatchObject(HELD);
  });

  test('leave nothing behind once they are released: no heap, no timer, no listener', async () => {
    const { code, stderr, said, spans } = await applications.run('holds', {
      nodeArguments: ['--expose-gc'],
      arguments: ['release'],
    });
    expect({ code, stderr, count: spans.length }).toEqual({ code: 0, stderr: '', count: 3_000 });
    const [heap, rest] = said;
    // A call that stayed would be 5 kB and more; a runtime without us varies by 0.4 kB.
    expect(heap).toEqual({ bytesPerCall: expect.toSatisfy((bytes: number) => bytes < 2_000) });
    expect(rest).toEqual({ listeners: [0, 0], timers: [] });
  });
});

test('held calls end when their tracer provider shuts down, and a release afterwards is nothing', async () => {
  const { code, stderr, spans } = await applications.run('holds', { arguments: ['shutdown'] });
  expect({ code, stderr, count: spans.length }).toEqual({ code: 0, stderr: '', count: 5 });
  for (const span of spans) expect(span).toMatchObject(HELD);
});
