/** Another try links to the failed call before it: retries and fallbacks of the application's own. */
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base';
import OpenAI from 'openai';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  type CallContext,
  holdCall,
  instrumentOpenAI,
  outcomeOf,
  recordFailure,
  withCallContext,
} from '../../src/index.js';
import { chatText, httpError, type Scenario } from '../../src/testing/index.js';
import { type Harness, startHarness } from '../scenarios/harness.js';

const GOOD: Scenario = { reply: chatText(['Hello']) };
const REFUSED: Scenario = { reply: httpError(503, {}) };
const RESET: Scenario = { reply: chatText(['Hello']), faults: [{ type: 'reset', afterChunks: 2 }] };
const CUT: Scenario = { reply: chatText(['Hello']), faults: [{ type: 'silent_end', afterChunks: 2 }] };

let harness: Harness;
beforeAll(async () => {
  instrumentOpenAI(OpenAI);
  harness = await startHarness();
});
afterAll(() => harness.close());

/** Through raw fetch, as an application that throws for what it can see. */
async function ask(model: string, scenario: Scenario): Promise<string> {
  const { url, init } = harness.ask(model, scenario);
  const response = await fetch(url, init);
  if (!response.ok) throw new Error(`refused with ${response.status}`);
  return response.text();
}

async function askBySdk(model: string, scenario: Scenario | undefined): Promise<void> {
  const { baseURL } = harness.ask(model, scenario);
  const client = new OpenAI({ apiKey: 'sk-any', baseURL, maxRetries: 0 });
  for await (const _ of await client.chat.completions.create({ model, stream: true, messages: [] }));
}

const ignore = () => {};

/** The models whose spans a span links to. */
async function linkedTo(model: string): Promise<readonly unknown[]> {
  const { links } = await harness.span(model);
  return links.map(({ context: { spanId, traceId } }) => {
    const found = harness.spans.find((span) => span.spanContext().spanId === spanId);
    if (found?.spanContext().traceId !== traceId) throw new Error('a link to no span');
    return found.attributes['gen_ai.request.model'] ?? found.name;
  });
}

describe.each([
  ['fetch', ask],
  ['openai', askBySdk],
] as const)('through %s', (road, send) => {
  test('each retry links to the one before, in one context around them', async () => {
    const model = (attempt: number) => `${road} retry ${attempt}`;
    const scenarios = [RESET, REFUSED, GOOD];
    await withCallContext({ feature: 'chain' }, async () => {
      for (const [attempt, scenario] of scenarios.entries()) {
        await withCallContext({ retryAttempt: attempt }, () => send(model(attempt), scenario)).catch(ignore);
      }
    });
    expect(await linkedTo(model(0))).toEqual([]);
    expect(await linkedTo(model(1))).toEqual([model(0)]);
    expect(await linkedTo(model(2))).toEqual([model(1)]);
  });

  test('a fallback links to what it replaces, whose loop ended as if all were well', async () => {
    const [primary, secondary] = [`${road} primary`, `${road} secondary`];
    await withCallContext({}, async () => {
      await withCallContext({ fallbackAttempt: 0 }, () => send(primary, CUT));
      await withCallContext({ fallbackAttempt: 1 }, () => send(secondary, GOOD));
    });
    expect(await linkedTo(secondary)).toEqual([primary]);
  });
});

test('the example of `withCallContext` makes one chain', async () => {
  const requestId = 'req-example';
  const document = 'document';
  harness.ask('example', [REFUSED, RESET, GOOD]);
  const summarize = (_: string) => askBySdk('example', undefined);
  await withCallContext({ requestId, feature: 'summary' }, async () => {
    for (let attempt = 0; ; attempt += 1) {
      try {
        return await withCallContext({ retryAttempt: attempt }, () => summarize(document));
      } catch (error) {
        if (attempt === 2 || !outcomeOf(error)?.retryable) throw error;
      }
    }
  });
  const chain = await harness.spansOf('example', 3);
  expect(
    chain.map(({ attributes }) => [
      attributes['llm_stream.request_id'],
      attributes['llm_stream.feature'],
      attributes['llm_stream.retry_attempt'],
      attributes['llm_stream.outcome'],
    ]),
  ).toEqual([
    ['req-example', 'summary', 0, 'failed'],
    ['req-example', 'summary', 1, 'failed'],
    ['req-example', 'summary', 2, 'completed'],
  ]);
  const [first, second, third] = chain;
  expect(chain.map(({ links }) => links.map(({ context }) => context.spanId))).toEqual([
    [],
    [first?.spanContext().spanId],
    [second?.spanContext().spanId],
  ]);
  expect(third?.attributes['llm_stream.stage']).toBe('done');
});

describe('a link', () => {
  /** What fails first, then what is asked in a context within the same. */
  async function chain(model: string, first: () => Promise<unknown>, then: CallContext): Promise<readonly unknown[]> {
    await withCallContext({}, async () => {
      await first().catch(ignore);
      await withCallContext(then, () => ask(model, GOOD));
    });
    return linkedTo(model);
  }

  test.each<readonly [string, CallContext]>([
    ['without a number', {}],
    ['of a first try', { retryAttempt: 0, fallbackAttempt: 0 }],
  ])('is not on a call %s', async (title, context) => {
    expect(await chain(`none ${title}`, () => ask(`before ${title}`, RESET), context)).toEqual([]);
  });

  test('is not to a call that completed, nor to one that was left', async () => {
    const leave = async () => {
      const { url, init } = harness.ask('left before', { ...GOOD, hold: { afterChunks: 2, until: 'client_gone' } });
      await (await fetch(url, init)).body?.cancel();
    };
    expect(await chain('after a completed one', () => ask('completed before', GOOD), { retryAttempt: 1 })).toEqual([]);
    expect(await chain('after one that was left', leave, { retryAttempt: 1 })).toEqual([]);
  });

  test('is to the last failed one, where others completed since', async () => {
    const first = async () => {
      await ask('failed first', CUT);
      await ask('completed second', GOOD);
    };
    expect(await chain('third', first, { fallbackAttempt: 1 })).toEqual(['failed first']);
  });

  test('is not to what another try made good', async () => {
    await withCallContext({}, async () => {
      await withCallContext({ retryAttempt: 0 }, () => ask('first step', CUT));
      await withCallContext({ retryAttempt: 1 }, () => ask('first step again', GOOD));
      await withCallContext({ retryAttempt: 0 }, () => ask('second step', GOOD));
      await withCallContext({ retryAttempt: 1 }, () => ask('second step again', GOOD));
      await withCallContext({ fallbackAttempt: 1 }, () => ask('second step elsewhere', GOOD));
    });
    expect(await linkedTo('first step again')).toEqual(['first step']);
    expect(await linkedTo('second step again')).toEqual([]);
    expect(await linkedTo('second step elsewhere')).toEqual([]);
  });

  test('is on each step of another try', async () => {
    await withCallContext({ requestId: 'two steps' }, async () => {
      for (const [attempt, scenario] of [CUT, GOOD].entries()) {
        await withCallContext({ retryAttempt: attempt }, async () => {
          await ask(`step one, try ${attempt}`, GOOD);
          await ask(`step two, try ${attempt}`, scenario);
        });
      }
      await withCallContext({ retryAttempt: 1 }, () => ask('after both tries', GOOD));
    });
    expect(await linkedTo('step one, try 0')).toEqual([]);
    expect(await linkedTo('step one, try 1')).toEqual(['step two, try 0']);
    expect(await linkedTo('step two, try 1')).toEqual(['step two, try 0']);
    expect(await linkedTo('after both tries')).toEqual([]);
  });

  test('is not to what failed within another try that succeeded all the same', async () => {
    await withCallContext({}, async () => {
      await withCallContext({ retryAttempt: 0 }, () => ask('outer try', CUT));
      await withCallContext({ retryAttempt: 1 }, async () => {
        await ask('failed within', RESET).catch(ignore);
        await ask('again within', GOOD);
      });
      await withCallContext({ retryAttempt: 1 }, () => ask('after a good try', GOOD));
    });
    expect(await linkedTo('again within')).toEqual(['failed within']);
    expect(await linkedTo('after a good try')).toEqual([]);
  });

  test('is to another try whose loop ended as if all were well', async () => {
    await withCallContext({}, async () => {
      for (const attempt of [0, 1]) {
        await withCallContext({ retryAttempt: attempt }, () => ask(`looks whole ${attempt}`, CUT));
      }
      await withCallContext({ fallbackAttempt: 1 }, () => ask('instead', GOOD));
    });
    expect(await linkedTo('looks whole 1')).toEqual(['looks whole 0']);
    expect(await linkedTo('instead')).toEqual(['looks whole 1']);
  });

  test('is not to what another try made good in contexts around it', async () => {
    await withCallContext({}, async () => {
      await withCallContext({ feature: 'step' }, async () => {
        await withCallContext({ retryAttempt: 0 }, () => ask('further in', CUT));
        await withCallContext({ retryAttempt: 1 }, () => ask('further in again', GOOD));
      });
      await withCallContext({ retryAttempt: 1 }, () => ask('further out', GOOD));
    });
    expect(await linkedTo('further in again')).toEqual(['further in']);
    expect(await linkedTo('further out')).toEqual([]);
  });

  test('is on a try whose callback gives the SDK’s promise as it is, and is over before its request', async () => {
    const { baseURL } = harness.ask('as it is', GOOD);
    const client = new OpenAI({ apiKey: 'sk-any', baseURL, maxRetries: 0 });
    await withCallContext({}, async () => {
      await withCallContext({ retryAttempt: 0 }, () => ask('before as it is', CUT));
      const stream = await withCallContext({ retryAttempt: 1 }, () =>
        client.chat.completions.create({ model: 'as it is', stream: true, messages: [] }),
      );
      for await (const _ of stream);
    });
    expect(await linkedTo('as it is')).toEqual(['before as it is']);
  });

  test('is not on a job that a try set off and that runs when the try is over', async () => {
    let job: Promise<unknown> = Promise.resolve();
    await withCallContext({}, () => ask('job before', CUT));
    await withCallContext({}, async () => {
      await withCallContext({ retryAttempt: 0 }, () => ask('try before the job', CUT));
      await withCallContext({ retryAttempt: 1 }, async () => {
        job = new Promise((resolve) => setTimeout(resolve, 1)).then(() =>
          withCallContext({ feature: 'job' }, () => ask('job of a try', GOOD)),
        );
      });
    });
    await job;
    expect(await linkedTo('job of a try')).toEqual([]);
  });

  test('is not to what a held call made good, although that one is not told yet', async () => {
    await withCallContext({}, async () => {
      await withCallContext({ retryAttempt: 0 }, () => ask('before the held one', CUT));
      const { url, init } = harness.ask('held and good', GOOD);
      const response = await withCallContext({ retryAttempt: 1 }, () => fetch(url, init));
      const held = holdCall(response);
      await response.text();
      await withCallContext({ retryAttempt: 1 }, () => ask('after the held one', GOOD));
      held.release();
    });
    expect(await linkedTo('held and good')).toEqual(['before the held one']);
    expect(await linkedTo('after the held one')).toEqual([]);
  });

  test('is to what failed since, where another try completed before', async () => {
    await withCallContext({}, async () => {
      for (const step of ['a', 'b']) {
        await withCallContext({ retryAttempt: 0 }, () => ask(`step ${step}`, CUT));
        await withCallContext({ retryAttempt: 1 }, () => ask(`step ${step} again`, GOOD));
      }
    });
    expect(await linkedTo('step a again')).toEqual(['step a']);
    expect(await linkedTo('step b again')).toEqual(['step b']);
  });

  test('is to the last begun of two that failed', async () => {
    const first = async () => {
      await ask('refused first', REFUSED).catch(ignore);
      await ask('cut second', CUT);
    };
    expect(await chain('after two', first, { retryAttempt: 2 })).toEqual(['cut second']);
  });

  test('is to a refusal whose span is not written yet, for its body may be read', async () => {
    const send = async () => {
      const { url, init } = harness.ask('unread refusal', REFUSED);
      await fetch(url, init);
      expect(harness.spans.some(({ attributes }) => attributes['gen_ai.request.model'] === 'unread refusal')).toBe(
        false,
      );
    };
    const then = { retryAttempt: 1 };
    await withCallContext({}, async () => {
      await send();
      await withCallContext(then, () => ask('at once', GOOD));
    });
    await harness.span('unread refusal');
    expect(await linkedTo('at once')).toEqual(['unread refusal']);
  });

  test('is to an answer of a held call that could not be used', async () => {
    await withCallContext({}, async () => {
      const { url, init } = harness.ask('not usable', GOOD);
      const response = await fetch(url, init);
      const held = holdCall(response);
      await response.text();
      held.processing('failed');
      await withCallContext({ retryAttempt: 1 }, () => ask('used', GOOD));
      held.release();
    });
    expect(await linkedTo('used')).toEqual(['not usable']);
  });

  test('is to a failure before any call, and from one', async () => {
    const fails = async () => {
      throw new Error('no prompt');
    };
    const early = () => withCallContext({ feature: 'early' }, fails);
    expect(await chain('after an early failure', early, { retryAttempt: 1 })).toEqual(['llm_stream.call']);
    await withCallContext({}, async () => {
      await ask('before an early failure', RESET).catch(ignore);
      await withCallContext({ retryAttempt: 1, requestId: 'early second' }, fails).catch(ignore);
    });
    const early2 = earlyOf('early second');
    const [before] = (await harness.spansOf('before an early failure', 1)).map((span) => span.spanContext().spanId);
    expect(early2.links.map(({ context }) => context.spanId)).toEqual([before]);
  });

  test('is to what was recorded by hand', async () => {
    const first = async () => recordFailure(new Error('no prompt'), { model: 'by hand' });
    expect(await chain('after one by hand', first, { retryAttempt: 1 })).toEqual(['by hand']);
  });

  test('is not to a call of another context', async () => {
    await withCallContext({}, () => ask('of another context', RESET)).catch(ignore);
    await withCallContext({ retryAttempt: 1 }, () => ask('alone', GOOD));
    expect(await linkedTo('alone')).toEqual([]);
  });

  test('is to the chain’s own, where 20 run at once in contexts of their own', async () => {
    const numbers = Array.from({ length: 20 }, (_, number) => number);
    await withCallContext({ feature: 'parallel chains' }, () =>
      Promise.all(
        numbers.map((number) =>
          withCallContext({ requestId: `req-${number}` }, async () => {
            await withCallContext({ retryAttempt: 0 }, () => ask(`chain ${number} first`, RESET)).catch(ignore);
            await withCallContext({ retryAttempt: 1 }, () => ask(`chain ${number} second`, GOOD));
          }),
        ),
      ),
    );
    for (const number of numbers) expect(await linkedTo(`chain ${number} second`)).toEqual([`chain ${number} first`]);
  });

  test('leads to the outcome that the application was given', async () => {
    let failed: ReturnType<typeof outcomeOf>;
    await withCallContext({}, async () => {
      const { url, init } = harness.ask('asked about', RESET);
      const response = await fetch(url, init);
      await response.text().catch(ignore);
      failed = outcomeOf(response);
      await withCallContext({ retryAttempt: 1 }, () => ask('its retry', GOOD));
    });
    const [link] = (await harness.span('its retry')).links;
    expect(link?.context).toMatchObject({
      traceId: failed?.traceId,
      spanId: failed?.spanId,
      traceFlags: 1,
      isRemote: false,
    });
    expect(failed?.spanId).toMatch(/^[0-9a-f]{16}$/);
  });
});

function earlyOf(requestId: string): ReadableSpan {
  const found = harness.spans.find(({ attributes }) => attributes['llm_stream.request_id'] === requestId);
  return found ?? expect.fail('no span');
}
