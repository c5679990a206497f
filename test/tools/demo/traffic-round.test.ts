import { describe, expect, test } from 'vitest';
import { chatText, httpError } from '../../../src/testing/index.js';
import { createRound } from '../../../src/tools/demo/traffic/round.js';
import { TRAFFIC } from '../../../src/tools/demo/traffic/rows.js';

const PLACES = { providerUrl: 'http://provider', refusedUrl: 'http://refused' };
const ANSWER = { reply: chatText(['ok']) };
const BUSY = { reply: httpError(503) };
const CONTEXT = { route: '/r', feature: 'f' };

describe('a round of the traffic', () => {
  test('asks as often as the weights say, and begins no row twice in a row', () => {
    const names = createRound(1, PLACES).chains.map(({ tries }) => tries[0]?.scenario);
    expect(names).toHaveLength(163);
    expect(names.filter((name) => name === 'chat')).toHaveLength(38);
    expect(names.filter((name) => name === 'goes-idle')).toHaveLength(1);
    expect(names.filter((name, index) => name === names[index - 1])).toEqual([]);
  });

  test('spreads what goes wrong: each quarter of it has some', () => {
    const good = new Set(['chat', 'summary', 'support', 'agent', 'research']);
    const { chains } = createRound(1, PLACES);
    const wrong = chains.map(({ tries }) => !good.has(tries[0]?.scenario ?? ''));
    const quarters = [0, 41, 82, 123].map((from) => wrong.slice(from, from + 41).filter(Boolean).length);
    for (const count of quarters) expect(count).toBeGreaterThanOrEqual(5);
  });

  test('a row that is played to several attempts of the SDK comes once, so that its answers stay in order', () => {
    const several = TRAFFIC.filter(({ tries }) => tries.some(({ wire }) => Array.isArray(wire)));
    expect(several.map(({ name, perRound }) => [name, perRound])).toEqual([
      ['sdk-retry-helps', 1],
      ['sdk-retry-does-not-help', 1],
    ]);
  });

  test('the same deployment again is a retry, another one a fallback', () => {
    const { chains } = createRound(7, PLACES, [
      {
        name: 'chain',
        perRound: 1,
        ...CONTEXT,
        tries: [
          { deployment: 'gpt-5.1', wire: BUSY },
          { deployment: 'gpt-5.1', wire: BUSY },
          { deployment: 'mistral-large', wire: 'refused', manner: { maxRetries: 1 } },
        ],
      },
    ]);
    expect(chains).toEqual([
      {
        requestId: 'req-7-1',
        route: '/r',
        feature: 'f',
        configVersion: '2026-11-02',
        tries: [
          {
            baseUrl: 'http://provider/openai/v1',
            provider: 'openai',
            model: 'gpt-5.1',
            scenario: 'chain',
            manner: { through: 'openai' },
            retryAttempt: 0,
            fallbackAttempt: 0,
          },
          {
            baseUrl: 'http://provider/openai/v1',
            provider: 'openai',
            model: 'gpt-5.1',
            scenario: 'chain-2',
            manner: { through: 'openai' },
            retryAttempt: 1,
            fallbackAttempt: 0,
          },
          {
            baseUrl: 'http://refused/mistral/v1',
            provider: 'mistral_ai',
            model: 'mistral-large',
            scenario: 'chain-3',
            manner: { through: 'openai', maxRetries: 1 },
            retryAttempt: 1,
            fallbackAttempt: 1,
          },
        ],
      },
    ]);
  });

  test('each call has an answer of its own, as fast as no other; what is meant to be slow is', () => {
    const rows = [
      { name: 'many', perRound: 3, ...CONTEXT, tries: [{ deployment: 'gpt-5.1', wire: ANSWER }] },
      {
        name: 'slow',
        perRound: 1,
        ...CONTEXT,
        tries: [{ deployment: 'gpt-5.1', wire: { ...ANSWER, latencyMs: 9_000 } }],
      },
    ] as const;
    const [many, slow] = createRound(1, PLACES, rows).scenarios;
    const latencies = (many?.[1] ?? []).map(({ delivery }) => delivery?.latencyMs);
    expect(new Set(latencies).size).toBe(3);
    for (const latencyMs of latencies) {
      expect(latencyMs).toBeGreaterThanOrEqual(150);
      expect(latencyMs).toBeLessThanOrEqual(600);
    }
    expect(slow?.[1].map(({ delivery }) => delivery?.latencyMs)).toEqual([9_000]);
  });

  test('what does not come to a request has no scenario', () => {
    const tries = [{ deployment: 'gpt-5.1', wire: 'none', manner: { early: 'told' } }] as const;
    expect(createRound(1, PLACES, [{ name: 'early', perRound: 1, ...CONTEXT, tries }]).scenarios).toEqual([]);
  });
});
