/**
 * The instruments of one meter provider, made once, with their units and the conventions' buckets as advice. What is
 * recorded in them, and when, is `metric-sink.ts` and `live-gauges.ts`.
 */
import {
  type Counter,
  type Histogram,
  type Meter,
  type MeterProvider,
  type Observable,
  ValueType,
} from '@opentelemetry/api';
import * as names from './semconv.js';

/** As the conventions have them; the two sets of names differ in more than names. */
export interface OlderInstruments {
  readonly duration: Histogram;
  readonly timeToFirstChunk: Histogram;
  readonly timePerOutputChunk: Histogram;
  readonly tokenUsage: Histogram;
}

export interface NewerInstruments {
  readonly duration: Histogram;
  readonly timeToFirstChunk: Histogram;
  readonly timePerOutputChunk: Histogram;
  readonly inputTokens: Counter;
  readonly outputTokens: Counter;
  readonly cacheReadInputTokens: Counter;
  readonly reasoningOutputTokens: Counter;
  readonly inputTokensOfCall: Histogram;
  readonly outputTokensOfCall: Histogram;
}

/** What no convention names. */
export interface OwnInstruments {
  readonly outcomes: Counter;
  readonly timeToHeaders: Histogram;
  readonly timeToFirstToken: Histogram;
  readonly maxChunkGap: Histogram;
  readonly chunks: Histogram;
  readonly bytes: Counter;
  readonly stalls: Counter;
  readonly attempts: Histogram;
  readonly usageMissing: Counter;
}

export interface LiveInstruments {
  readonly active: Observable;
  readonly idle: Observable;
}

/** What a meter is asked for with. */
export interface Scope {
  readonly name: string;
  readonly version: string;
}

/** Conventions' names are made with the first call that wants them: an instrument that is never used is never seen. */
export class Instruments {
  readonly meter: Meter;
  readonly own: OwnInstruments;
  #older: OlderInstruments | undefined;
  #newer: NewerInstruments | undefined;
  #live: LiveInstruments | undefined;

  constructor(meter: Meter) {
    this.meter = meter;
    this.own = ownInstruments(meter);
  }

  get older(): OlderInstruments {
    this.#older ??= olderInstruments(this.meter);
    return this.#older;
  }

  get newer(): NewerInstruments {
    this.#newer ??= newerInstruments(this.meter);
    return this.#newer;
  }

  get live(): LiveInstruments {
    this.#live ??= liveInstruments(this.meter);
    return this.#live;
  }

  /** A meter that records nothing gives the same instrument for every name; no other trait is common to all copies of the API. */
  get isInert(): boolean {
    return Object.is(this.own.bytes, this.own.stalls);
  }
}

/** The provider's, made once; undefined where it records nothing, such as the one that stands for an SDK before there is any. */
export function instrumentsOf(provider: MeterProvider, { name, version }: Scope): Instruments | undefined {
  const known = made.get(provider);
  if (known) return known;
  // Asked again at the next call: the provider may stand for one that comes late, its inert meter never does.
  const meter = provider.getMeter(name, version, { schemaUrl: names.SCHEMA_URL });
  if (inert.has(meter)) return undefined;
  const instruments = new Instruments(meter);
  if (instruments.isInert) {
    inert.add(meter);
    return undefined;
  }
  made.set(provider, instruments);
  return instruments;
}

/** By provider: one that was shut down says so at each `getMeter`. */
const made = new WeakMap<MeterProvider, Instruments>();
const inert = new WeakSet<Meter>();

/** The conventions' own, for every time of theirs. */
const SECONDS = [0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92];
/** The same, up to where a silent stream is ended. */
const LONG_SECONDS = [...SECONDS, 163.84, 327.68, 655.36];
/** The conventions' own: powers of four. */
const TOKENS = [1, 4, 16, 64, 256, 1024, 4096, 16_384, 65_536, 262_144, 1_048_576, 4_194_304, 16_777_216, 67_108_864];
/** 0 by itself: nothing came. */
const CHUNKS = [0, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 20_000];
/** 1 by itself: at the first try. */
const ATTEMPTS = [1, 2, 3, 4, 5, 6, 8, 10];

function olderInstruments(meter: Meter): OlderInstruments {
  return {
    duration: times(meter, names.METRIC_GEN_AI_CLIENT_OPERATION_DURATION, DURATION),
    timeToFirstChunk: times(meter, names.METRIC_GEN_AI_CLIENT_OPERATION_TIME_TO_FIRST_CHUNK, FIRST_CHUNK),
    timePerOutputChunk: times(meter, names.METRIC_GEN_AI_CLIENT_OPERATION_TIME_PER_OUTPUT_CHUNK, OUTPUT_CHUNK),
    tokenUsage: counts(
      meter,
      names.METRIC_GEN_AI_CLIENT_TOKEN_USAGE,
      'Tokens of calls, as their provider reported them.',
      '{token}',
      TOKENS,
    ),
  };
}

const DURATION = 'How long calls took, their retries included.';
const FIRST_CHUNK = 'From the start of a call to the first chunk with generated output.';
const OUTPUT_CHUNK = 'From one chunk with generated output to the next.';

function newerInstruments(meter: Meter): NewerInstruments {
  const tokens = (name: string, description: string) => counter(meter, name, description, '{token}');
  const perCall = (name: string, description: string) => counts(meter, name, description, '{token}', TOKENS);
  return {
    duration: times(meter, names.METRIC_GEN_AI_CLIENT_INFERENCE_DURATION, DURATION),
    timeToFirstChunk: times(meter, names.METRIC_GEN_AI_CLIENT_INFERENCE_TIME_TO_FIRST_CHUNK, FIRST_CHUNK),
    timePerOutputChunk: times(meter, names.METRIC_GEN_AI_CLIENT_INFERENCE_TIME_PER_OUTPUT_CHUNK, OUTPUT_CHUNK),
    inputTokens: tokens(
      names.METRIC_GEN_AI_CLIENT_INFERENCE_USAGE_INPUT_TOKENS,
      'Input tokens used, cached ones included.',
    ),
    outputTokens: tokens(
      names.METRIC_GEN_AI_CLIENT_INFERENCE_USAGE_OUTPUT_TOKENS,
      'Output tokens used, reasoning included.',
    ),
    cacheReadInputTokens: tokens(
      names.METRIC_GEN_AI_CLIENT_INFERENCE_USAGE_CACHE_READ_INPUT_TOKENS,
      'Input tokens that came out of a cache.',
    ),
    reasoningOutputTokens: tokens(
      names.METRIC_GEN_AI_CLIENT_INFERENCE_USAGE_REASONING_OUTPUT_TOKENS,
      'Output tokens spent on reasoning.',
    ),
    inputTokensOfCall: perCall(
      names.METRIC_GEN_AI_CLIENT_INFERENCE_OPERATION_INPUT_TOKENS,
      'Input tokens of single calls.',
    ),
    outputTokensOfCall: perCall(
      names.METRIC_GEN_AI_CLIENT_INFERENCE_OPERATION_OUTPUT_TOKENS,
      'Output tokens of single calls.',
    ),
  };
}

function ownInstruments(meter: Meter): OwnInstruments {
  return {
    outcomes: counter(meter, names.METRIC_LLM_STREAM_STREAM_OUTCOMES, 'Calls that ended, by how.', '{call}'),
    timeToHeaders: times(
      meter,
      names.METRIC_LLM_STREAM_STREAM_TIME_TO_HEADERS,
      'From the start of a call to the headers of its answer.',
    ),
    timeToFirstToken: times(
      meter,
      names.METRIC_LLM_STREAM_STREAM_TIME_TO_FIRST_TOKEN,
      'From the start of a call to the first generated output of any channel.',
    ),
    maxChunkGap: times(
      meter,
      names.METRIC_LLM_STREAM_STREAM_MAX_CHUNK_GAP,
      'The longest wait for a chunk within a stream, the silence in which it died included.',
      LONG_SECONDS,
    ),
    chunks: counts(
      meter,
      names.METRIC_LLM_STREAM_STREAM_CHUNKS,
      'Chunks that reached the consumer of a stream.',
      '{chunk}',
      CHUNKS,
    ),
    bytes: counter(meter, names.METRIC_LLM_STREAM_STREAM_BYTES, 'Bytes of answers that reached the consumer.', 'By'),
    stalls: counter(
      meter,
      names.METRIC_LLM_STREAM_STREAM_STALLS,
      'Silences within streams that reached the stall threshold.',
      '{stall}',
    ),
    attempts: counts(
      meter,
      names.METRIC_LLM_STREAM_STREAM_ATTEMPTS,
      'HTTP requests of a call: more than one, where an SDK tried again.',
      '{attempt}',
      ATTEMPTS,
    ),
    usageMissing: counter(
      meter,
      names.METRIC_LLM_STREAM_STREAM_USAGE_MISSING,
      'Calls that were answered, 2xx, without final usage.',
      '{call}',
    ),
  };
}

/** Sums, not gauges: what several processes say adds up. */
function liveInstruments(meter: Meter): LiveInstruments {
  const streams = (name: string, description: string) =>
    meter.createObservableUpDownCounter(name, { description, unit: '{stream}', valueType: ValueType.INT });
  return {
    active: streams(names.METRIC_LLM_STREAM_STREAM_ACTIVE, 'Calls that are under way.'),
    idle: streams(
      names.METRIC_LLM_STREAM_STREAM_IDLE,
      'Streams whose consumer has been waiting for a chunk for longer than the stall threshold.',
    ),
  };
}

function times(meter: Meter, name: string, description: string, boundaries = SECONDS): Histogram {
  return meter.createHistogram(name, { description, unit: 's', advice: { explicitBucketBoundaries: boundaries } });
}

function counts(meter: Meter, name: string, description: string, unit: string, boundaries: number[]): Histogram {
  const advice = { explicitBucketBoundaries: boundaries };
  return meter.createHistogram(name, { description, unit, valueType: ValueType.INT, advice });
}

function counter(meter: Meter, name: string, description: string, unit: string): Counter {
  return meter.createCounter(name, { description, unit, valueType: ValueType.INT });
}
