/**
 * Rewrites of a plan that several faults share: what is put in, left out, cut off.
 */
import type { Place } from './place.js';
import {
  chunkMessage,
  documentMessage,
  endAt,
  extraMessage,
  insertAt,
  isMessage,
  type Json,
  type Message,
  type Plan,
  type Step,
} from './plan.js';

/** Cut off behind a place; `ending` comes instead. */
export function ended(plan: Plan, place: Place, ...ending: readonly Step[]): Plan {
  return { ...plan, steps: endAt(plan.steps, place, ending) };
}

/** One more step at a place. */
export function inserted(plan: Plan, place: Place, step: Step): Plan {
  return { ...plan, steps: insertAt(plan.steps, place, [step]) };
}

/** A message that is no chunk; a document has no place for one. */
export function insertedMessage(plan: Plan, place: Place, text: string): Plan {
  return plan.format === 'sse' ? inserted(plan, place, extraMessage(text)) : plan;
}

/** More headers, or others; names in any case. */
export function withHeaders(plan: Plan, headers: Readonly<Record<string, string>>): Plan {
  const lowered = Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value] as const);
  return { ...plan, headers: { ...plan.headers, ...Object.fromEntries(lowered) } };
}

/** Every message replaced by what `edit` makes of it: none, one or several. */
export function withMessages(plan: Plan, edit: (message: Message) => readonly Message[]): Plan {
  return { ...plan, steps: plan.steps.flatMap((step): readonly Step[] => (isMessage(step) ? edit(step) : [step])) };
}

/** Every payload that is an object edited; undefined drops it. Raw strings stay as they are. */
export function withPayloads(plan: Plan, edit: (payload: Json) => Json | undefined): Plan {
  const rewrite = plan.format === 'sse' ? chunkMessage : documentMessage;
  return withMessages(plan, (message) => {
    if (message.payload === undefined) return [message];
    const edited = edit(message.payload);
    return edited === undefined ? [] : [rewrite(edited)];
  });
}

/** Undefined where usage was all there was. */
export function withoutUsage(payload: Json): Json | undefined {
  const { usage, ...rest } = payload;
  const choices: unknown = payload['choices'];
  const usageAlone = usage !== undefined && usage !== null && Array.isArray(choices) && choices.every(isBlankChoice);
  return usageAlone ? undefined : rest;
}

/** Nothing said, nothing finished: as in a gateway's usage chunk. */
function isBlankChoice(choice: unknown): boolean {
  return JSON.stringify(choice) === '{"index":0,"delta":{}}';
}

/** No choice has finished. */
export function withoutFinishReason(payload: Json): Json {
  const choices: unknown = payload['choices'];
  if (!Array.isArray(choices)) return payload;
  return {
    ...payload,
    choices: choices.map((choice: unknown) =>
      typeof choice === 'object' && choice !== null && 'finish_reason' in choice
        ? { ...choice, finish_reason: null }
        : choice,
    ),
  };
}

/** The last message ends with so many line ends. */
export function withFinalLineEnds(plan: Plan, lineEnds: 0 | 1): Plan {
  if (plan.format !== 'sse') return plan;
  const last = plan.steps.findLastIndex(isMessage);
  return {
    ...plan,
    steps: plan.steps.map((step, index) =>
      index === last && isMessage(step) ? { ...step, text: step.text.trimEnd() + '\n'.repeat(lineEnds) } : step,
    ),
  };
}
