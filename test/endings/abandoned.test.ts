/** Calls that the application abandons without a word: the garbage collector, or the sweep over idle calls, ends them. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Applications, type Run, startApplications } from './run.js';

let applications: Applications;
let run: Run;
beforeAll(async () => {
  applications = await startApplications();
  run = await applications.run('abandons', { nodeArguments: ['--expose-gc'] });
});
afterAll(() => applications.close());

const cancelled = (termination: string, fault: string, stage: string, chunks: number) => ({
  'llm_stream.outcome': 'cancelled',
  'llm_stream.failure_stage': 'client_aborted',
  'llm_stream.stage': stage,
  'llm_stream.termination_kind': termination,
  'llm_stream.fault': fault,
  'llm_stream.chunk_count': chunks,
  status: 0,
});
const silent = (stage: string, chunks: number) => ({
  'llm_stream.outcome': 'failed',
  'llm_stream.failure_stage': 'after_first_token',
  'llm_stream.stage': stage,
  'llm_stream.termination_kind': 'idle',
  'llm_stream.error_category': 'idle_timeout',
  'llm_stream.timeout_kind': 'idle',
  'llm_stream.fault': 'upstream',
  'llm_stream.retryable': true,
  'llm_stream.chunk_count': chunks,
  status: 2,
});

const ROWS: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  'fetch, never read, dropped': cancelled('not_consumed', 'client', 'before_first_token', 0),
  'fetch, never read, held': cancelled('idle', 'application', 'before_first_token', 0),
  'fetch, half read, dropped': cancelled('idle', 'application', 'after_first_token', 2),
  'fetch, half read, held': cancelled('idle', 'application', 'after_first_token', 2),
  'fetch, waiting': silent('after_first_token', 2),
  'fetch, no answer': {
    ...silent('before_headers', 0),
    'llm_stream.failure_stage': 'before_first_token',
  },
  'openai, never iterated, dropped': cancelled('not_consumed', 'client', 'before_first_token', 0),
  'openai, never iterated, held': cancelled('idle', 'application', 'before_first_token', 0),
  'openai, half iterated, dropped': cancelled('not_consumed', 'client', 'before_first_token', 1),
  'openai, half iterated, held': cancelled('idle', 'application', 'before_first_token', 1),
  'openai, waiting': silent('after_first_token', 2),
};

describe('one span for a stream that is abandoned', () => {
  test.each(Object.entries(ROWS))('%s', (model, expected) => {
    const spans = run.spans.filter((span) => span['gen_ai.request.model'] === model);
    const roads = model.startsWith('openai') ? ['fetch', 'openai'] : ['fetch'];
    expect(spans).toEqual([expect.objectContaining({ ...expected, 'llm_stream.observed_by': roads })]);
  });

  test('and for nothing else', () => {
    expect({ code: run.code, stderr: run.stderr, count: run.spans.length }).toEqual({ code: 0, stderr: '', count: 11 });
  });
});
