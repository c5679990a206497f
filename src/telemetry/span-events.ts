/** Milestones as points in time, whatever they are written as: the name and the attributes of each. */
import type { Attributes } from '@opentelemetry/api';
import * as names from './semconv.js';
import { cut, fill, USAGE_ATTRIBUTES } from './span-attributes.js';
import type { TimelineMilestone } from './span-event-budget.js';

export const SPAN_EVENTS: Readonly<Record<TimelineMilestone['type'], string>> = {
  attempt: names.EVENT_LLM_STREAM_ATTEMPT,
  response_headers: names.EVENT_LLM_STREAM_RESPONSE_HEADERS,
  first_chunk: names.EVENT_LLM_STREAM_FIRST_CHUNK,
  first_token: names.EVENT_LLM_STREAM_FIRST_TOKEN,
  tool_call_started: names.EVENT_LLM_STREAM_TOOL_CALL_STARTED,
  tool_call_fragment: names.EVENT_LLM_STREAM_TOOL_CALL_FRAGMENT,
  tool_call_completed: names.EVENT_LLM_STREAM_TOOL_CALL_COMPLETED,
  invalid_chunk: names.EVENT_LLM_STREAM_INVALID_CHUNK,
  stall: names.EVENT_LLM_STREAM_STALL,
  usage: names.EVENT_LLM_STREAM_USAGE,
  finish: names.EVENT_LLM_STREAM_FINISH,
  done: names.EVENT_LLM_STREAM_DONE,
  cancelled: names.EVENT_LLM_STREAM_CANCELLED,
  exception: names.EVENT_EXCEPTION,
};

// No object spread here: Node 20 takes 1.5 µs for one that has these keys, and 27 ns without.
export function spanEventAttributes(
  milestone: TimelineMilestone,
  { toolNames }: { readonly toolNames: boolean },
): Attributes {
  const attributes: Attributes = { [names.ATTR_LLM_STREAM_ELAPSED_MS]: Math.round(milestone.atMs) };
  switch (milestone.type) {
    case 'attempt':
      attributes[names.ATTR_LLM_STREAM_ATTEMPT_NUMBER] = milestone.attempt;
      break;
    case 'response_headers':
      attributes[names.ATTR_HTTP_RESPONSE_STATUS_CODE] = milestone.status;
      break;
    case 'first_token':
      attributes[names.ATTR_LLM_STREAM_FIRST_TOKEN_CHANNEL] = milestone.channel;
      break;
    case 'tool_call_started':
      attributes[names.ATTR_LLM_STREAM_CHOICE_INDEX] = milestone.choice;
      attributes[names.ATTR_LLM_STREAM_TOOL_CALL_INDEX] = milestone.index;
      if (!toolNames) break;
      if (milestone.name !== undefined) attributes[names.ATTR_GEN_AI_TOOL_NAME] = cut(milestone.name);
      // Under the same option: some providers make the id out of the name, as in `functions.get_weather:0`.
      if (milestone.id !== undefined) attributes[names.ATTR_GEN_AI_TOOL_CALL_ID] = cut(milestone.id);
      break;
    case 'tool_call_fragment':
      attributes[names.ATTR_LLM_STREAM_CHOICE_INDEX] = milestone.choice;
      attributes[names.ATTR_LLM_STREAM_TOOL_CALL_INDEX] = milestone.index;
      attributes[names.ATTR_LLM_STREAM_TOOL_CALL_FRAGMENT_INDEX] = milestone.fragment;
      attributes[names.ATTR_LLM_STREAM_TOOL_CALL_FRAGMENT_CHARACTERS] = milestone.characters;
      break;
    case 'tool_call_completed':
      attributes[names.ATTR_LLM_STREAM_CHOICE_INDEX] = milestone.choice;
      attributes[names.ATTR_LLM_STREAM_TOOL_CALL_INDEX] = milestone.index;
      break;
    case 'stall':
      attributes[names.ATTR_LLM_STREAM_CHUNK_GAP_MS] = Math.round(milestone.gapMs);
      break;
    case 'usage':
      fill(attributes, USAGE_ATTRIBUTES, milestone.usage);
      break;
    case 'finish':
      attributes[names.ATTR_LLM_STREAM_CHOICE_INDEX] = milestone.choice;
      attributes[names.ATTR_LLM_STREAM_FINISH_REASON] = milestone.reason;
      break;
    case 'exception':
      attributes[names.ATTR_EXCEPTION_TYPE] = milestone.errorType;
      if (milestone.message !== undefined) attributes[names.ATTR_EXCEPTION_MESSAGE] = milestone.message;
      break;
    case 'first_chunk':
    case 'invalid_chunk':
    case 'done':
    case 'cancelled':
      break;
  }
  return attributes;
}
