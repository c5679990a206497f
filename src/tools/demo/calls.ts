/**
 * The calls of the demo, as inputs: what goes over the wire, and how the application reads it.
 * Nothing here says how a call ends; that is for the application and for the span to tell, each from its own side.
 */
import { chatText, chatToolCalls, httpError, type ScenarioOrList } from '../../testing/index.js';
import type { Reading } from './messages.js';

export interface DemoCall {
  /** The application asks for the model `demo-<name>`: by it, report and span are joined. */
  readonly name: string;
  readonly title: string;
  /** What the provider does; `refused`: nobody listens there. */
  readonly wire: ScenarioOrList | 'refused';
  readonly reading: Reading;
}

/**
 * Silence that the demo calls a stall. Far from the pauses of its good answers, so that a busy machine shows none, and
 * less than the pauses that are meant.
 */
export const STALL_THRESHOLD_MS = 400;

const STEADY = { latencyMs: 15, gapMs: 20 } as const;
/** A reset throws away what the client has not read yet; with this pause, even a slow client has. */
const RESET_PAUSE_MS = 250;

const HAIKU = ['An', ' old', ' silent', ' pond', ' …', ' a', ' frog', ' jumps', ' in.'];
const WEATHER = { name: 'get_weather', fragments: ['{"ci', 'ty": "', 'Kyo', 'to", "u', 'nit": "', 'C"}'] };

export const DEMO_CALLS: readonly DemoCall[] = [
  {
    name: 'stop',
    title: 'A good answer, with usage',
    wire: { reply: chatText(HAIKU), delivery: STEADY },
    reading: { through: 'openai', includeUsage: true },
  },
  {
    name: 'tool-call',
    title: 'A good tool call',
    wire: { reply: chatToolCalls([WEATHER]), delivery: STEADY },
    reading: { through: 'openai', includeUsage: true },
  },
  {
    name: 'length',
    title: 'Cut by the token limit',
    wire: { reply: chatText(HAIKU.slice(0, 6), { finishReason: 'length' }), delivery: STEADY },
    reading: { through: 'openai', includeUsage: true },
  },
  {
    name: 'no-done',
    title: 'Finished, but [DONE] never comes',
    wire: { reply: chatText(HAIKU), delivery: STEADY, faults: [{ type: 'no_done' }] },
    reading: { through: 'fetch' },
  },
  {
    name: 'refused',
    title: 'Nobody listens at the address',
    wire: 'refused',
    reading: { through: 'openai' },
  },
  {
    name: 'rate-limited',
    title: 'Rejected: too many requests',
    wire: {
      reply: httpError(429, { type: 'requests', code: 'rate_limit_exceeded' }, { 'retry-after-ms': '1500' }),
      delivery: STEADY,
    },
    reading: { through: 'openai' },
  },
  {
    name: 'retried',
    title: 'Rejected twice, then answered: the SDK tries again',
    wire: [
      { reply: httpError(429, { code: 'rate_limit_exceeded' }, { 'retry-after-ms': '50' }), delivery: STEADY },
      { reply: httpError(503, { code: 'overloaded' }, { 'retry-after-ms': '50' }), delivery: STEADY },
      { reply: chatText(HAIKU), delivery: STEADY },
    ],
    reading: { through: 'openai', includeUsage: true, maxRetries: 2 },
  },
  {
    name: 'reset-before-token',
    title: 'Reset after the first chunk, before the first token',
    wire: {
      reply: chatText(HAIKU),
      delivery: STEADY,
      faults: [{ type: 'reset', afterChunks: 1, pauseMs: RESET_PAUSE_MS }],
    },
    reading: { through: 'openai' },
  },
  {
    name: 'reset-in-text',
    title: 'Reset in the middle of the text',
    wire: {
      reply: chatText(HAIKU),
      delivery: STEADY,
      faults: [{ type: 'reset', afterChunks: 5, pauseMs: RESET_PAUSE_MS }],
    },
    reading: { through: 'openai' },
  },
  {
    name: 'cut-tool-call',
    title: 'The body ends inside the arguments of a tool call',
    wire: {
      reply: chatToolCalls([WEATHER]),
      delivery: STEADY,
      faults: [{ type: 'silent_end', afterChunks: 5 }],
    },
    reading: { through: 'openai' },
  },
  {
    name: 'reset-after-finish',
    title: 'Reset after the finish reason: usage is lost',
    wire: {
      reply: chatText(HAIKU),
      delivery: STEADY,
      faults: [{ type: 'reset', after: 'finish', pauseMs: RESET_PAUSE_MS }],
    },
    reading: { through: 'openai', includeUsage: true },
  },
  {
    name: 'user-leaves',
    title: 'The user leaves',
    wire: { reply: chatText(HAIKU), delivery: STEADY, hold: { afterChunks: 5, until: 'client_gone', maxMs: 5_000 } },
    reading: { through: 'openai', leaveAfterChunks: 5 },
  },
  {
    name: 'silent-truncation',
    title: 'The body ends in the middle of the text',
    wire: { reply: chatText(HAIKU), delivery: STEADY, faults: [{ type: 'silent_end', afterChunks: 5 }] },
    reading: { through: 'openai' },
  },
  {
    name: 'error-in-stream',
    title: 'Status 200, then an error inside the stream, then [DONE]',
    wire: {
      reply: chatText(HAIKU),
      delivery: STEADY,
      faults: [{ type: 'in_band_error', afterChunks: 4, error: { code: 'overloaded' }, thenDone: true }],
    },
    reading: { through: 'fetch' },
  },
  {
    name: 'stall',
    title: 'A silence, then the stream goes on',
    wire: { reply: chatText(HAIKU), delivery: STEADY, faults: [{ type: 'stall', afterChunks: 4, ms: 900 }] },
    reading: { through: 'openai', includeUsage: true },
  },
  {
    name: 'timeout',
    title: "A silence that lasts until the caller's own timeout",
    wire: { reply: chatText(HAIKU), delivery: STEADY, faults: [{ type: 'hang', afterChunks: 3, maxMs: 5_000 }] },
    reading: { through: 'fetch', timeoutMs: 1_500 },
  },
];
