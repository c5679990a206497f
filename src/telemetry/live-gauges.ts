/**
 * Streams that are under way, counted when metrics are collected: the only signal of a stall while it lasts, as an open
 * span is not exported. Holds no call and no provider.
 */
import type { Attributes, BatchObservableCallback } from '@opentelemetry/api';
import type { Stage } from '../stream/outcome.js';
import type { Instruments } from './instruments.js';
import type { MetricSink } from './metric-sink.js';
import * as names from './semconv.js';

/** A stream as it stands. */
export interface LiveStream {
  readonly sink: MetricSink;
  readonly stage: Stage;
  /** How long its consumer has been waiting for a chunk. */
  readonly waitedMs: number;
}

/** The gauges of one instrumentation, on every meter that its calls are recorded with. */
export class LiveGauges {
  readonly #streams: () => Iterable<LiveStream>;
  readonly #gauges = new WeakMap<Instruments, LiveGauge>();
  /** Those that stand. Weak, so that a provider that is dropped is dropped. */
  #standing: readonly WeakRef<LiveGauge>[] = [];

  constructor(streams: () => Iterable<LiveStream>) {
    this.#streams = streams;
  }

  /** From now on the streams of these instruments are counted. */
  put(instruments: Instruments): void {
    let gauge = this.#gauges.get(instruments);
    if (gauge === undefined) {
      gauge = new LiveGauge(instruments, this.#streams);
      this.#gauges.set(instruments, gauge);
    }
    if (!gauge.put()) return;
    this.#standing = [...this.#standing.filter((reference) => reference.deref() !== undefined), new WeakRef(gauge)];
  }

  /** Takes all of them away; what they said last becomes 0. */
  takeAway(): void {
    for (const reference of this.#standing) reference.deref()?.takeAway();
    this.#standing = [];
  }
}

interface Count {
  readonly attributes: Attributes;
  active: number;
  idle: number;
}

class LiveGauge {
  readonly #instruments: Instruments;
  readonly #streams: () => Iterable<LiveStream>;
  #isWanted = false;
  #isObserved = false;
  /** What was not 0 at the last collection. An SDK goes on with what it was told last: the 0 has to be said, once. */
  #last = new Map<string, Count>();

  constructor(instruments: Instruments, streams: () => Iterable<LiveStream>) {
    this.#instruments = instruments;
    this.#streams = streams;
  }

  /** Says whether that is news. */
  put(): boolean {
    if (this.#isWanted) return false;
    this.#isWanted = true;
    if (!this.#isObserved) {
      const { active, idle } = this.#instruments.live;
      this.#instruments.meter.addBatchObservableCallback(this.#observe, [active, idle]);
      this.#isObserved = true;
    }
    return true;
  }

  takeAway(): void {
    this.#isWanted = false;
    if (this.#last.size === 0) this.#stop();
  }

  readonly #observe: BatchObservableCallback = (result) => {
    const { active, idle } = this.#instruments.live;
    const counts = this.#isWanted ? this.#count() : new Map<string, Count>();
    for (const [key, { attributes }] of this.#last) {
      if (!counts.has(key)) counts.set(key, { attributes, active: 0, idle: 0 });
    }
    this.#last = new Map([...counts].filter(([, count]) => count.active > 0));
    for (const count of counts.values()) {
      result.observe(active, count.active, count.attributes);
      result.observe(idle, count.idle, count.attributes);
    }
    if (!this.#isWanted) this.#stop();
  };

  #count(): Map<string, Count> {
    const counts = new Map<string, Count>();
    for (const { sink, stage, waitedMs } of this.#streams()) {
      if (sink.instruments !== this.#instruments) continue;
      const attributes = { ...sink.liveAttributes, [names.ATTR_LLM_STREAM_STAGE]: stage };
      const key = JSON.stringify(attributes);
      const count = counts.get(key) ?? { attributes, active: 0, idle: 0 };
      counts.set(key, count);
      count.active += 1;
      // What comes after the answer is over is no chunk any more.
      const awaits = sink.mayStall && stage !== 'after_finish_reason';
      if (awaits && waitedMs >= sink.stallThresholdMs) count.idle += 1;
    }
    return counts;
  }

  #stop(): void {
    if (!this.#isObserved) return;
    const { active, idle } = this.#instruments.live;
    this.#instruments.meter.removeBatchObservableCallback(this.#observe, [active, idle]);
    this.#isObserved = false;
  }
}
