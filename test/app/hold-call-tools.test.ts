/** What a held call is told of tool calls: validated by a boolean or a Standard Schema, and executed. */
import { DiagLogLevel, diag } from '@opentelemetry/api';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, expectTypeOf, test } from 'vitest';
import { z } from 'zod';
import { type HeldCall, holdCall, outcomeOf, type StandardSchema, type ToolValidation } from '../../src/index.js';
import { processState } from '../../src/process-state.js';
import { chatToolCalls, type Scenario } from '../../src/testing/index.js';
import { type Harness, startHarness } from '../scenarios/harness.js';

const TOOLS: Scenario = {
  reply: chatToolCalls([
    { name: 'book', id: 'call_a', fragments: ['{"room":', '7}'] },
    { name: 'mail', id: 'call_b', fragments: ['{}'] },
  ]),
};
const CUT: Scenario = { ...TOOLS, faults: [{ type: 'silent_end', afterChunks: 3 }] };

let harness: Harness;
let lines: string[];
beforeAll(async () => {
  harness = await startHarness();
});
afterAll(() => harness.close());
beforeEach(() => {
  lines = [];
  processState().warned.clear();
  const keep = (line: string) => void lines.push(line);
  diag.setLogger({ error: keep, warn: keep, info() {}, debug() {}, verbose() {} }, DiagLogLevel.WARN);
});
afterEach(() => diag.disable());

let asked = 0;

/** Holds a call, reads it, says something, releases it: what its span says of tools, and whether it is retryable. */
async function told(say: (held: HeldCall) => unknown, scenario = TOOLS) {
  asked += 1;
  const model = `tools ${asked}`;
  const { url, init } = harness.ask(model, scenario);
  const response = await fetch(url, init);
  const held = holdCall(response);
  await response.text();
  await say(held);
  held.release();
  const { attributes } = await harness.span(model);
  const public_ = outcomeOf(response);
  const words = {
    validated: attributes['llm_stream.tool_call.validated'],
    started: attributes['llm_stream.tool_call.execution_started'],
    completed: attributes['llm_stream.tool_call.execution_completed'],
    retryable: attributes['llm_stream.retryable'],
  };
  expect({
    validated: public_?.toolCallsValidated,
    started: public_?.toolCallExecutionStarted,
    completed: public_?.toolCallExecutionCompleted,
    retryable: public_?.retryable,
  }).toEqual(words);
  return words;
}

describe('by a boolean', () => {
  test.each<readonly [string, (held: HeldCall) => void, boolean | undefined]>([
    ['nothing', () => {}, undefined],
    ['one of two', (held) => held.toolValidated('call_a', true), undefined],
    [
      'both',
      (held) => {
        held.toolValidated('call_a', true);
        held.toolValidated('call_b', true);
      },
      true,
    ],
    ['one that is not', (held) => held.toolValidated('call_b', false), false],
    [
      'one that was repaired',
      (held) => {
        held.toolValidated('call_a', false);
        held.toolValidated('call_a', true);
        held.toolValidated('call_b', true);
      },
      true,
    ],
  ])('%s', async (_, say, validated) => {
    expect(await told(say)).toEqual({ validated, started: undefined, completed: undefined, retryable: undefined });
    expect(lines).toEqual([]);
  });
});

/** A schema as a library would make it, of version 1. */
function schemaThat<T>(check: (value: unknown) => ToolValidation<T> | Promise<ToolValidation<T>>): StandardSchema<T> {
  return { '~standard': { version: 1, vendor: 'test', validate: check } };
}

const room = (value: unknown): ToolValidation<{ room: number }> =>
  typeof value === 'object' && value !== null && 'room' in value && typeof value.room === 'number'
    ? { value: { room: value.room } }
    : { issues: [{ message: 'expected a room' }] };

const ZOD = z.object({ room: z.number() });

describe.each([
  ['that says it at once', schemaThat(room)],
  ['that says it later', schemaThat(async (value) => room(value))],
  ['that is a function, as arktype’s', Object.assign(() => {}, schemaThat(room))],
  ['of zod', ZOD],
  ['of zod, with a check that is asynchronous', ZOD.refine(async ({ room: number }) => number < 10)],
] as const)('by a schema %s', (_, schema) => {
  test('what fits is given as the schema made it, and recorded', async () => {
    let given: unknown;
    const say = async (held: HeldCall) => {
      held.toolValidated('call_b', true);
      given = await held.toolValidated('call_a', schema, { room: 7, more: 'than asked for' });
    };
    expect(await told(say)).toMatchObject({ validated: true });
    expect(given).toEqual({ value: { room: 7 } });
  });

  test('what does not fit is given with its issues, and recorded', async () => {
    let given: ToolValidation<unknown> | undefined;
    const say = async (held: HeldCall) => {
      given = await held.toolValidated('call_a', schema, { room: 'seven' });
    };
    expect(await told(say)).toMatchObject({ validated: false });
    expect(given?.issues?.length).toBeGreaterThan(0);
  });
});

test('a schema’s output has the type of the schema', async () => {
  const held = holdCall(undefined);
  const result = await held.toolValidated('call_a', ZOD, { room: 7 });
  if (result.issues === undefined) expectTypeOf(result.value).toEqualTypeOf<{ room: number }>();
  expectTypeOf(held.toolValidated('call_a', true)).toBeVoid();
  expect(result).toEqual({ value: { room: 7 } });
});

describe('a result of a schema is read once, and given as plain data', () => {
  const VALID = { value: { room: 7 } };

  /** An object whose property says what the list says, reading by reading, and then throws. */
  function saying(property: string, says: readonly unknown[], also: object = {}): ToolValidation<unknown> {
    const left = [...says];
    const get = () => (left.length > 0 ? left.shift() : expect.fail('CANARY'));
    return Object.defineProperty({ ...also }, property, { get, enumerable: true }) as ToolValidation<unknown>;
  }

  test.each<readonly [string, () => ToolValidation<unknown>, unknown, boolean]>([
    ['issues that are null', () => ({ ...VALID, issues: null }) as unknown as ToolValidation<unknown>, VALID, true],
    ['more than it has to give', () => ({ ...VALID, typed: true }) as ToolValidation<unknown>, VALID, true],
    ['issues that throw the second time', () => saying('issues', [undefined], VALID), VALID, true],
    [
      'other issues the second time',
      () => saying('issues', [[{ message: 'no room' }], undefined]),
      { issues: [{ message: 'no room' }] },
      false,
    ],
    ['a value that throws the second time', () => saying('value', [{ room: 7 }]), VALID, true],
    [
      'issues that throw',
      () => saying('issues', []),
      { issues: [{ message: 'the schema threw AssertionError' }] },
      false,
    ],
    [
      'issues that are no list',
      () => ({ ...VALID, issues: 'no room' }) as unknown as ToolValidation<unknown>,
      { issues: [{ message: 'the schema gave no result' }] },
      false,
    ],
  ])('one with %s', async (_, result, expected, validated) => {
    let given: unknown;
    const say = async (held: HeldCall) => {
      held.toolValidated('call_b', true);
      given = await held.toolValidated('call_a', schemaThat(result), {});
    };
    expect(await told(say)).toMatchObject({ validated });
    expect(given).toEqual(expected);
    expect(lines).toEqual([]);
  });
});

describe('a schema that is not well', () => {
  test.each<readonly [string, StandardSchema, string]>([
    ['throws', schemaThat(() => expect.fail('CANARY')), 'the schema threw AssertionError'],
    ['rejects', schemaThat(async () => Promise.reject(new RangeError('CANARY'))), 'the schema threw RangeError'],
    ['gives nothing', schemaThat(() => undefined as unknown as ToolValidation<unknown>), 'the schema gave no result'],
    ['gives something else', schemaThat(() => true as unknown as ToolValidation<unknown>), 'the schema gave no result'],
  ])('and %s is an issue, and the arguments are not valid', async (_, schema, message) => {
    let given: unknown;
    const say = async (held: HeldCall) => {
      given = await held.toolValidated('call_a', schema, {});
    };
    expect(await told(say)).toMatchObject({ validated: false });
    expect(given).toEqual({ issues: [{ message }] });
    expect(lines).toEqual([]);
  });

  test.each<readonly [string, unknown]>([
    ['undefined', undefined],
    ['an object', { parse() {} }],
    ['a schema of nobody', { '~standard': {} }],
    ['a number', 7],
  ])('for it is none but %s costs a line, and nothing is recorded', async (_, schema) => {
    let given: unknown;
    const say = async (held: HeldCall) => {
      given = await held.toolValidated('call_a', schema as StandardSchema, {});
    };
    expect(await told(say)).toMatchObject({ validated: undefined });
    expect(given).toEqual({ issues: [{ message: 'there was no schema' }] });
    expect(lines).toEqual([expect.stringContaining('`toolValidated` of a held call expects `true` or `false`')]);
  });

  test('says it after the release, which costs a line and is not recorded', async () => {
    let say = (_: ToolValidation<unknown>): void => {};
    const schema = schemaThat(
      () =>
        new Promise<ToolValidation<unknown>>((resolve) => {
          say = resolve;
        }),
    );
    let given: Promise<unknown> | undefined;
    expect(
      await told((held) => {
        given = held.toolValidated('call_a', schema, {});
      }),
    ).toMatchObject({ validated: undefined });
    say({ value: 'late' });
    expect(await given).toEqual({ value: 'late' });
    expect(lines).toEqual([expect.stringContaining('`toolValidated` of a held call came after its release')]);
  });
});

describe('executed', () => {
  test.each<readonly [string, (held: HeldCall) => void, boolean | undefined, boolean | undefined]>([
    ['nothing', () => {}, undefined, undefined],
    ['one that was begun', (held) => held.toolExecuted('call_a'), true, undefined],
    [
      'one that was begun, and then done',
      (held) => {
        held.toolExecuted('call_a');
        held.toolExecuted('call_a', true);
      },
      true,
      true,
    ],
    ['one that failed', (held) => held.toolExecuted('call_a', false), true, false],
    [
      'one that was done, and one that was begun',
      (held) => {
        held.toolExecuted('call_a', true);
        held.toolExecuted('call_b');
      },
      true,
      undefined,
    ],
  ])('%s', async (_, say, started, completed) => {
    expect(await told(say)).toEqual({ validated: undefined, started, completed, retryable: undefined });
    expect(await told(say, CUT)).toEqual({
      validated: undefined,
      started,
      completed,
      retryable: started === undefined,
    });
  });

  test('more than 128 ids: the rest costs a line', async () => {
    const say = (held: HeldCall) => {
      for (let at = 0; at < 130; at += 1) held.toolExecuted(`call_${at}`, at < 128);
      held.toolExecuted('call_0', true);
    };
    expect(await told(say)).toMatchObject({ started: true, completed: true });
    expect(lines).toEqual([
      'opentelemetry-instrumentation-llm-stream: a held call expects the id of a tool call, at most 128 of them, got string; it is left out',
    ]);
  });
});
