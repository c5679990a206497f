/** What the suites of this room share: a way of using the SDK, the place where it is gone, and the words of its spans. */
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base';
import type { OpenAI } from 'openai';
import { chatText, chatToolCalls, type FaultyProvider, type ScenarioOrList } from '../../src/testing/index.js';
import { CANARY, type SpanFacts, said } from '../scenarios/harness.js';
import type { Major, Sdk } from './sdks.js';

/** One way in which an application uses the SDK. */
export interface Way {
  readonly name: string;
  readonly scenario: ScenarioOrList;
  readonly run: (place: Place) => Promise<unknown>;
  /** What the application is told, with and without us. */
  readonly sees: unknown;
  /** One per call, in the order in which they end. */
  readonly spans: readonly SpanFacts[];
  /** Where versions of the SDK differ. */
  readonly by?: Readonly<Partial<Record<Major, Partial<Pick<Way, 'sees' | 'spans' | 'observedBy'>>>>>;
  /** The versions that have what it takes. @defaultValue all */
  readonly majors?: readonly Major[];
  /** The roads that saw the calls. @defaultValue both; the SDK's alone in version 4, and where no answer came */
  readonly observedBy?: readonly string[];
  /** Holds the spans against what a row of facts cannot say. */
  readonly check?: (spans: readonly ReadableSpan[]) => void;
}

/** What a way is gone with: one copy of the SDK, one client, and a model of its own. */
export interface Place {
  readonly sdk: Sdk;
  readonly provider: FaultyProvider;
  readonly client: OpenAI;
  /** Another client, as `client` is but for some options. */
  clientWith(options: ClientOptions): OpenAI;
  /** The completions that have `stream`, `parse` and `runTools`. */
  readonly helpers: OpenAI['chat']['completions'];
  readonly request: OpenAI.ChatCompletionCreateParamsStreaming;
  /** Asks for the stream. */
  create(options?: OpenAI.RequestOptions): ReturnType<typeof ask>;
  /** Resolves when the provider has so many requests of this model. */
  arrived(count?: number): Promise<void>;
}

export type ClientOptions = NonNullable<ConstructorParameters<typeof OpenAI>[0]>;

/** Asks for a stream: the promise is the SDK's own. */
export function ask(
  client: OpenAI,
  request: OpenAI.ChatCompletionCreateParamsStreaming,
  options?: OpenAI.RequestOptions,
) {
  return client.chat.completions.create(request, options);
}

/** The same request for one document. */
export function whole({ request }: Place): OpenAI.ChatCompletionCreateParamsNonStreaming {
  return { ...request, stream: false };
}

/** Reads; after so many chunks it does something, and reads on or leaves. */
export async function read(
  chunks: AsyncIterable<unknown>,
  after = Number.POSITIVE_INFINITY,
  act: () => unknown = () => 'leave',
): Promise<string> {
  let count = 0;
  for await (const _ of chunks) {
    count += 1;
    if (count === after && act() === 'leave') return `left after ${count}`;
  }
  return `ended after ${count}`;
}

/** Its error in words, or what it came to where it was to fail. */
export function failing(promise: PromiseLike<unknown>): Promise<string> {
  return Promise.resolve(promise).then(() => 'no error', said);
}

/** Five chunks. */
export const TEXT = chatText([CANARY, ' says', ' hello']);
/** Five chunks: the opening, the call, two fragments, the finish. */
export const TOOL = chatToolCalls([{ name: 'get_weather', fragments: ['{"city": ', `"${CANARY}"}`] }]);

/** `TEXT` read to its end. */
export const completed = (more: Partial<SpanFacts> = {}): SpanFacts => ({
  outcome: 'completed',
  stage: 'done',
  termination: 'done_event',
  chunks: 5,
  finish: ['stop'],
  ...more,
});

/** `TEXT` as one document. */
export const answered = (more: Partial<SpanFacts> = {}): SpanFacts =>
  completed({ termination: 'finish_reason_eof', chunks: 1, usage: true, ...more });

export const cancelled = (
  termination: string,
  stage: string,
  chunks: number,
  more: Partial<SpanFacts> = {},
): SpanFacts => ({
  outcome: 'cancelled',
  failureStage: 'client_aborted',
  stage,
  termination,
  fault: 'client',
  chunks,
  finish: ['error'],
  ...more,
});

/** The consumer went while nothing had come. */
export const gone = (stage: 'before_request' | 'before_headers'): SpanFacts => ({
  outcome: 'cancelled',
  failureStage: 'client_aborted',
  stage,
  termination: 'consumer_abort',
  fault: 'client',
  chunks: 0,
});

export const cut = (stage: string, more: Partial<SpanFacts> = {}): SpanFacts => ({
  outcome: 'failed',
  failureStage: stage,
  stage,
  termination: 'eof',
  category: 'stream_interrupted',
  fault: 'upstream',
  retryable: true,
  chunks: 0,
  finish: ['error'],
  ...more,
});

/** No headers came in time. */
export const unanswered = (more: Partial<SpanFacts> = {}): SpanFacts => ({
  outcome: 'failed',
  failureStage: 'before_first_token',
  stage: 'before_headers',
  termination: 'timeout',
  category: 'request_timeout',
  fault: 'upstream',
  retryable: true,
  chunks: 0,
  ...more,
});

/** Answered by node-fetch to somebody who reads the body by hand, or not at all: that is all that can be known. */
export const UNSEEN: SpanFacts = {
  outcome: 'failed',
  failureStage: 'unknown',
  stage: 'before_first_token',
  termination: 'unknown',
  category: 'unknown',
};

export const rejected = (
  category: string,
  fault: 'application' | 'provider',
  more: Partial<SpanFacts> = {},
): SpanFacts => ({
  outcome: 'failed',
  failureStage: 'request_rejected',
  stage: 'before_headers',
  termination: 'http_error',
  category,
  fault,
  retryable: fault === 'provider',
  chunks: 0,
  ...more,
});
