/** When the collector has nothing left to decide or to send: before that, two searches see two different sets of traces. */
import type { Jaeger } from './jaeger.js';
import type { Stack } from './stack.js';
import { until } from './until.js';

const LIMIT_MS = 60_000;
const SAMPLING = 'otelcol_processor_tail_sampling';
const sentTo = (backend: string): string => `otelcol_exporter_sent_spans_total{exporter="otlp_grpc/${backend}"`;

/**
 * Waits until each trace has its verdict and both trace backends have what was kept.
 *
 * @param accepted - spans that exporters were told were taken
 * @param all - what Jaeger has, of every service
 */
export async function settled(stack: Stack, accepted: number, all: Jaeger['all']): Promise<void> {
  await until('a verdict on each trace, and what was kept in Jaeger', LIMIT_MS, async () => {
    const [received, traces, decided, kept, sent, sentToTempo, { length: found }] = await Promise.all([
      stack.own('otelcol_receiver_accepted_spans_total'),
      stack.own(`${SAMPLING}_new_trace_id_received_total`),
      stack.own(`${SAMPLING}_global_count_traces_sampled_total`),
      stack.own(`${SAMPLING}_global_count_traces_sampled_total{decision="sampled"`),
      stack.own(sentTo('jaeger')),
      stack.own(sentTo('tempo')),
      all(),
    ]);
    const isDecided = received === accepted && decided === traces;
    // A trace has one span or more.
    const isHandedOn = sent >= kept && sent === sentToTempo && sent === found;
    if (isDecided && isHandedOn) return true;
    throw new Error(
      `${received} of ${accepted} spans taken, ${decided} of ${traces} traces decided, ${kept} kept; ` +
        `${sent} spans sent to Jaeger, which has ${found}, ${sentToTempo} to Tempo`,
    );
  });
}
