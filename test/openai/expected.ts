/** What a span says where there are no bytes to see: by node-fetch, which openai 4 uses unasked, and without an answer. */
import type { Attributes } from '@opentelemetry/api';
import type { SpanFacts } from '../scenarios/harness.js';

/** Attributes that only the bytes give. */
export const OF_BYTES = [
  'llm_stream.bytes_received',
  'llm_stream.keep_alive_count',
  'llm_stream.done_event_received',
] as const;

/**
 * The same facts without what only bytes tell: nobody saw `[DONE]`, or missed it, so a good end is known by its finish
 * reason.
 */
export function withoutBytes(facts: SpanFacts): SpanFacts {
  const { category, termination, also, ...others } = facts;
  return {
    ...others,
    termination: termination === 'done_event' ? 'finish_reason_eof' : termination,
    ...(category !== undefined && category !== 'missing_done_event' && { category }),
    ...(also && { also: without(also) }),
  };
}

function without(attributes: Attributes): Attributes {
  const names: readonly string[] = OF_BYTES;
  return Object.fromEntries(Object.entries(attributes).filter(([name]) => !names.includes(name)));
}

/** Whether there were headers: without them there is nothing that the road of `fetch` could have seen. */
export function wasAnswered({ stage, failureStage }: SpanFacts): boolean {
  return failureStage === 'request_rejected' || (stage !== 'before_request' && stage !== 'before_headers');
}
