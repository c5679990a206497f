/** The chat of `examples/chat-ui` in a real browser: what its reader is told of each ending, and what the span says of the reader. */
import { expect, it, vi } from 'vitest';
import { chatText, type Fault, httpError, httpReply, type Scenario } from '../../src/testing/index.js';
import { MODEL } from '../examples/scene.js';
import { openChats, type Shown } from './open-chat.js';

const chats = openChats();

/** Markup is text. */
const TEXTS = ['Hello', ' <b>world</b>'];
const HELLO: Scenario = { reply: chatText(TEXTS) };
const finishing = (finishReason: string): Scenario => ({ reply: chatText(TEXTS, { finishReason }) });
/** More than a conversation has room for. */
const LONG = 'x'.repeat(100_001);
/** A provider's message goes nowhere. */
const SECRET = 'sk-secret';
/** It waits where it goes wrong until the page shows what came before: a reset may take that with it. */
const afterHello = (fault: Fault): Scenario => ({
  ...HELLO,
  hold: { afterChunks: 2, until: 'released', gate: 'shown' },
  faults: [fault],
});

/** What each span says of the answer's end, of the way to the reader, and of what the application knows. */
const NAMES = [
  'outcome',
  'stage',
  'failure_stage',
  'termination_kind',
  'completion',
  'error_category',
  'timeout_kind',
  'retryable',
  'fault',
  'processing_status',
  'persistence_status',
  'client_delivery_status',
  'feature',
  'route',
  'retry_attempt',
];

const spans = () =>
  chats.scene.collector.spans.map(({ attributes }) =>
    Object.fromEntries(
      NAMES.map((name) => [name, attributes[`llm_stream.${name}`]]).filter(([, value]) => value !== undefined),
    ),
  );

const ASKED = { feature: 'chat', route: '/chat', retry_attempt: 0 };
const KEPT = { processing_status: 'ok', persistence_status: 'ok', client_delivery_status: 'ok' };
const NOT_KEPT = { processing_status: 'unknown', persistence_status: 'unknown', client_delivery_status: 'ok' };
const WHOLE = { ...ASKED, outcome: 'completed', stage: 'done', termination_kind: 'done_event' };
const CUT = {
  ...ASKED,
  outcome: 'failed',
  stage: 'after_first_token',
  failure_stage: 'after_first_token',
  retryable: true,
  ...NOT_KEPT,
};
/** Said of a call whose stream was whole. */
const AFTERWARDS = {
  outcome: 'failed',
  stage: 'after_finish_reason',
  failure_stage: 'after_finish_reason',
  retryable: false,
  fault: 'application',
};
const REJECTED = { ...ASKED, outcome: 'failed', stage: 'before_headers', failure_stage: 'request_rejected' };
const LEFT = {
  ...ASKED,
  outcome: 'cancelled',
  failure_stage: 'client_aborted',
  termination_kind: 'consumer_abort',
  fault: 'client',
};
const LEFT_HALFWAY = { ...LEFT, ...NOT_KEPT, stage: 'after_first_token', client_delivery_status: 'client_left' };

interface Row {
  readonly ending: string;
  readonly scenario: Scenario;
  readonly env?: Readonly<Record<string, string>>;
  readonly shown: Shown;
  readonly span: Readonly<Record<string, unknown>>;
}

const ALL = 'Hello <b>world</b>';
const PART = 'Hello';

const ROWS: readonly Row[] = [
  {
    ending: 'a whole answer',
    scenario: HELLO,
    shown: { answer: ALL, note: 'Complete.', retry: '' },
    span: { ...WHOLE, completion: 'stop', ...KEPT },
  },
  {
    ending: 'an answer at its length limit',
    scenario: finishing('length'),
    shown: {
      answer: ALL,
      note: 'Cut off here: the answer reached its length limit. Ask for the rest, or for a shorter answer.',
      retry: '',
    },
    span: { ...WHOLE, completion: 'length', ...KEPT },
  },
  {
    ending: 'an answer a content filter ended',
    scenario: finishing('content_filter'),
    shown: { answer: ALL, note: 'Ended by the content filter. Ask in other words.', retry: '' },
    span: { ...WHOLE, completion: 'content_filter', ...KEPT },
  },
  {
    ending: 'an answer without a word',
    scenario: { reply: chatText([]) },
    shown: { answer: '', note: 'The model had nothing to say. Ask in other words.', retry: '' },
    span: {
      ...WHOLE,
      ...AFTERWARDS,
      completion: 'stop',
      error_category: 'processing_failed',
      processing_status: 'failed',
      persistence_status: 'unknown',
      client_delivery_status: 'ok',
    },
  },
  {
    ending: 'an answer that there is no room for',
    scenario: { reply: chatText([LONG]) },
    shown: {
      answer: LONG,
      note: 'Complete, but not saved: the chat will not remember it. Copy what you need.',
      retry: '',
    },
    span: {
      ...WHOLE,
      ...AFTERWARDS,
      completion: 'stop',
      error_category: 'persistence_failed',
      processing_status: 'ok',
      persistence_status: 'failed',
      client_delivery_status: 'ok',
    },
  },
  {
    ending: 'a reset in the middle',
    scenario: afterHello({ type: 'reset', afterChunks: 2 }),
    shown: {
      answer: PART,
      note: 'Interrupted: the connection to the model broke. What you see is a part of the answer.',
      retry: 'Retry',
    },
    span: { ...CUT, termination_kind: 'connection_error', error_category: 'stream_interrupted', fault: 'upstream' },
  },
  {
    ending: 'a cut that ends like a whole answer',
    scenario: afterHello({ type: 'silent_end', afterChunks: 2 }),
    shown: {
      answer: PART,
      note: 'Interrupted: the connection to the model broke. What you see is a part of the answer.',
      retry: 'Retry',
    },
    span: { ...CUT, termination_kind: 'eof', error_category: 'stream_interrupted', fault: 'upstream' },
  },
  {
    ending: 'silence in the middle',
    scenario: { ...HELLO, faults: [{ type: 'hang', afterChunks: 2 }] },
    env: { CHAT_IDLE_MS: '500' },
    shown: {
      answer: PART,
      note: 'The model took too long. What you see is a part of the answer.',
      retry: 'Retry',
    },
    span: {
      ...CUT,
      termination_kind: 'timeout',
      error_category: 'idle_timeout',
      timeout_kind: 'idle',
      fault: 'upstream',
    },
  },
  {
    ending: 'an error in the middle of the stream',
    scenario: afterHello({ type: 'in_band_error', afterChunks: 2, error: { message: SECRET, code: 'server_error' } }),
    shown: {
      answer: PART,
      note: 'The model failed on its side. What you see is a part of the answer.',
      retry: 'Retry',
    },
    span: { ...CUT, termination_kind: 'error_payload', error_category: 'server_error', fault: 'provider' },
  },
  {
    ending: 'an error under status 200',
    scenario: {
      reply: httpReply({ status: 200, body: { error: { message: SECRET, type: 'server_error', code: 'overloaded' } } }),
    },
    shown: { answer: '', note: 'The model is overloaded.', retry: 'Retry' },
    span: {
      ...REJECTED,
      ...NOT_KEPT,
      termination_kind: 'error_payload',
      error_category: 'overloaded',
      retryable: true,
      fault: 'provider',
    },
  },
  {
    ending: 'a wrong key',
    scenario: { reply: httpError(401, { message: SECRET, code: 'invalid_api_key' }) },
    shown: {
      answer: '',
      note: 'This chat is not allowed to ask the model. Only who runs it can change that.',
      retry: '',
    },
    span: {
      ...REJECTED,
      termination_kind: 'http_error',
      error_category: 'auth',
      retryable: false,
      fault: 'application',
    },
  },
  {
    ending: 'a question that is too long',
    scenario: { reply: httpError(400, { message: SECRET, code: 'context_length_exceeded' }) },
    shown: { answer: '', note: 'The question is too long for the model. Shorten it.', retry: '' },
    span: {
      ...REJECTED,
      termination_kind: 'http_error',
      error_category: 'context_length',
      retryable: false,
      fault: 'application',
    },
  },
  {
    ending: 'a rate limit with an hour to wait',
    scenario: { reply: httpError(429, { message: SECRET }, { 'retry-after': '3600' }) },
    shown: { answer: '', note: 'Too many questions at the moment.', retry: 'Retry in 60 min (waits)' },
    span: {
      ...REJECTED,
      termination_kind: 'http_error',
      error_category: 'rate_limit',
      retryable: true,
      fault: 'provider',
    },
  },
];

it.each(ROWS)('$ending: the reader is told, and so is the span', async ({ scenario, env, shown, span }) => {
  const { provider } = chats.scene;
  provider.define(MODEL, scenario);
  const chat = await chats.open(env);
  await chat.ask('Hello?');
  if (scenario.hold) {
    await chat.shows(0, PART);
    provider.gate('shown').open();
  }
  expect(await chat.ended(0)).toEqual(shown);
  expect(await chat.close()).toEqual({ code: 0, complaints: [] });
  expect(spans()).toEqual([span]);
});

const GONE = { timeout: 60_000, interval: 5 };

it('Stop keeps the text, says so, and ends the request to the provider', async () => {
  const { provider } = chats.scene;
  provider.define(MODEL, { ...HELLO, hold: { afterChunks: 2, until: 'client_gone' } });
  const chat = await chats.open();
  await chat.ask('Hello?');
  await chat.shows(0, PART);
  await chat.page.getByRole('button', { name: 'Stop' }).click();
  expect(await chat.ended(0)).toEqual({ answer: PART, note: 'Stopped by you.', retry: '' });
  await vi.waitFor(() => expect(provider.requests[0]?.closedBy).toBe('client'), GONE);
  expect(await chat.close()).toEqual({ code: 0, complaints: [] });
  expect(spans()).toEqual([LEFT_HALFWAY]);
});

it('Stop before a word has come ends the request to the provider, too', async () => {
  const { provider } = chats.scene;
  provider.define(MODEL, { ...HELLO, hold: { after: 'request', until: 'client_gone' } });
  const chat = await chats.open();
  await chat.ask('Hello?');
  await provider.request(0);
  await chat.page.getByRole('button', { name: 'Stop' }).click();
  expect(await chat.ended(0)).toEqual({ answer: '', note: 'Stopped by you.', retry: '' });
  await vi.waitFor(() => expect(provider.requests[0]?.closedBy).toBe('client'), GONE);
  expect(await chat.close()).toEqual({ code: 0, complaints: [] });
  expect(spans()).toEqual([{ ...LEFT, stage: 'before_headers' }]);
});

it('a tab that is closed ends the request to the provider', async () => {
  const { provider } = chats.scene;
  provider.define(MODEL, { ...HELLO, hold: { afterChunks: 2, until: 'client_gone' } });
  const chat = await chats.open();
  await chat.ask('Hello?');
  await chat.shows(0, PART);
  await chat.page.close();
  await vi.waitFor(() => expect(provider.requests[0]?.closedBy).toBe('client'), GONE);
  expect(await chat.close()).toEqual({ code: 0, complaints: [] });
  expect(spans()).toEqual([LEFT_HALFWAY]);
});

it('Retry asks the same again, keeps the partial text above it, and is gone', async () => {
  const { provider } = chats.scene;
  provider.define(MODEL, [afterHello({ type: 'reset', afterChunks: 2 }), HELLO]);
  const chat = await chats.open();
  await chat.ask('Hello?');
  await chat.shows(0, PART);
  provider.gate('shown').open();
  const note = 'Interrupted: the connection to the model broke. What you see is a part of the answer.';
  expect(await chat.ended(0)).toEqual({ answer: PART, note, retry: 'Retry' });
  await chat.retry(0).click();
  expect(await chat.ended(1)).toEqual({ answer: ALL, note: 'Complete.', retry: '' });
  expect(await chat.ended(0)).toEqual({ answer: PART, note, retry: '' });
  expect(await chat.close()).toEqual({ code: 0, complaints: [] });
  expect(spans()).toEqual([
    { ...CUT, termination_kind: 'connection_error', error_category: 'stream_interrupted', fault: 'upstream' },
    { ...WHOLE, retry_attempt: 1, completion: 'stop', ...KEPT },
  ]);
});

it('Retry can be pressed when the provider has been left alone for as long as it asked', async () => {
  const { provider } = chats.scene;
  provider.define(MODEL, [{ reply: httpError(429, {}, { 'retry-after-ms': '1200' }) }, HELLO]);
  const chat = await chats.open();
  await chat.ask('Hello?');
  // Waits until it is enabled.
  await chat.retry(0).click();
  expect(await chat.ended(1)).toEqual({ answer: ALL, note: 'Complete.', retry: '' });
  expect(await chat.close()).toEqual({ code: 0, complaints: [] });
  expect(spans()).toEqual([
    { ...REJECTED, termination_kind: 'http_error', error_category: 'rate_limit', retryable: true, fault: 'provider' },
    { ...WHOLE, retry_attempt: 1, completion: 'stop', ...KEPT },
  ]);
});

it('a chat that is killed in mid-stream: the text stays, and asking again is offered', async () => {
  const { provider } = chats.scene;
  provider.define(MODEL, { ...HELLO, hold: { afterChunks: 2, until: 'client_gone' } });
  const chat = await chats.open();
  await chat.ask('Hello?');
  await chat.shows(0, PART);
  await chat.kill();
  const note = 'The connection to this chat broke. What you see may be a part of the answer.';
  expect(await chat.ended(0)).toEqual({ answer: PART, note, retry: 'Retry' });
});

it('the next question comes with what was said before, unless that was cut', async () => {
  const { provider } = chats.scene;
  provider.define(MODEL, [HELLO, { ...HELLO, faults: [{ type: 'silent_end', afterChunks: 2 }] }, HELLO]);
  const chat = await chats.open();
  for (const index of [0, 1, 2]) {
    await chat.ask('Hello?');
    await chat.ended(index);
  }
  expect(await chat.close()).toEqual({ code: 0, complaints: [] });
  const { spans: sent } = chats.scene.collector;
  expect(sent.map(({ attributes }) => attributes['llm_stream.request.message_count'])).toEqual([1, 3, 3]);
});

it('a reference on the page is the request id of the span', async () => {
  const { provider } = chats.scene;
  provider.define(MODEL, { reply: httpError(401) });
  const chat = await chats.open();
  await chat.ask('Hello?');
  await chat.ended(0);
  const reference = await chat.page.locator('.reference').textContent();
  expect(reference).toMatch(/^Reference: [\da-f-]{36}$/);
  await chat.close();
  const { spans: sent } = chats.scene.collector;
  expect(sent.map(({ attributes }) => `Reference: ${attributes['llm_stream.request_id']}`)).toEqual([reference]);
});

it("nothing of the provider's message leaves the server", async () => {
  const { provider } = chats.scene;
  provider.define(MODEL, { reply: httpError(401, { message: SECRET, code: 'invalid_api_key' }) });
  const chat = await chats.open();
  const headers = { 'content-type': 'application/json' };
  const body = JSON.stringify({ question: 'Hello?', conversation: 'c' });
  const response = await fetch(`${chat.url}/chat`, { method: 'POST', headers, body });
  expect(await response.json()).toEqual({
    end: {
      outcome: 'failed',
      failureStage: 'request_rejected',
      errorCategory: 'auth',
      retryable: false,
      partialOutput: false,
      conversation: 'c',
      requestId: expect.stringMatching(/^[\da-f-]{36}$/),
    },
  });
});

it('a browser that does not read keeps the provider back', async () => {
  const { provider } = chats.scene;
  const piece = 'x'.repeat(64 * 1024);
  provider.define(MODEL, { reply: chatText(Array.from({ length: 1_024 }, () => piece)) });
  const chat = await chats.open();
  const headers = { 'content-type': 'application/json' };
  const body = JSON.stringify({ question: 'Hello?' });
  const response = await fetch(`${chat.url}/chat`, { method: 'POST', headers, body });
  const asked = await provider.request(0);
  // What lies in the kernel's buffers on both ways is a few megabytes; the whole answer is 64.
  let accepted = -1;
  await vi.waitFor(
    () => {
      const before = accepted;
      accepted = asked.bytesAccepted;
      expect(accepted).toBeGreaterThan(0);
      expect(accepted).toBe(before);
    },
    { timeout: 60_000, interval: 250 },
  );
  expect(asked.ending).toBeUndefined();
  expect(accepted).toBeLessThan(32 * 1024 * 1024);
  const text = await response.text();
  expect(text.length).toBeGreaterThan(64 * 1024 * 1024);
  expect(await chat.close()).toEqual({ code: 0, complaints: [] });
  expect(spans()).toMatchObject([{ outcome: 'failed', error_category: 'persistence_failed' }]);
});
