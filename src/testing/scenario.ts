/**
 * A scenario is data: what is answered, how it travels, what goes wrong. Here it becomes a plan for one request.
 */
import {
  checkFields,
  type FieldChecks,
  fail,
  isFlag,
  isHeaders,
  isList,
  isObject,
  isRecord,
  isText,
  isWhole,
  required,
} from './checks.js';
import { checkDelivery, type Delivery } from './delivery.js';
import { applyFaults, checkFaults, checkFaultsReach, type Fault } from './faults.js';
import { checkHold, type Hold, LONGEST_HOLD_MS } from './hold.js';
import {
  checkReach,
  chunkMessage,
  DONE_MESSAGE,
  documentMessage,
  insertAt,
  isMessage,
  type Message,
  type Plan,
  type Step,
} from './plan.js';
import { type ChatRequest, renderChunks, renderDocument } from './scripts/chat-completions.js';
import type { Reply } from './scripts/replies.js';

export interface Scenario {
  readonly reply: Reply;
  /** @defaultValue each message in a write of its own, at once */
  readonly delivery?: Delivery;
  /** Combined as they are given; one of them at most is an ending. At one place, holds come first, endings last. */
  readonly faults?: readonly Fault[];
  readonly hold?: Hold | readonly Hold[];
}

/** What of a request decides about its answer. */
interface AnswerRequest extends ChatRequest {
  readonly stream: boolean;
}

/** The steps of an answer, and those whose length `content-length` promises. */
export interface Answer extends Plan {
  readonly promised: readonly Step[];
}

/** Throws a TypeError, with what was expected and what came, where the scenario is none. */
export function checkScenario(scenario: Scenario): void {
  checkFields('a scenario', scenario, {
    reply: required(isObject),
    delivery: isObject,
    faults: isList,
    hold: { expected: 'a hold or a list of holds', passes: (value) => isRecord(value) || Array.isArray(value) },
  });
  checkReply(scenario.reply);
  const { delivery = {}, faults = [] } = scenario;
  checkDelivery(delivery);
  checkFaults(faults);
  for (const hold of holdsOf(scenario)) checkHold(hold);
  const everMs = faults.some((fault) => fault.type === 'heartbeats' && fault.everyMs !== undefined);
  if (everMs && delivery.framing === 'content_length') {
    fail('`framing` of `delivery`', '`chunked` or `until_close` together with heartbeats by time', delivery.framing);
  }
  if (delivery.gzip !== true && faults.some(({ type }) => type === 'no_gzip_trailer')) {
    fail('fault `no_gzip_trailer`', 'together with `delivery.gzip`', delivery);
  }
  const { steps } = applyFaults(
    planOf(scenario, { model: undefined, stream: true, includeUsage: true }),
    faults,
    'payload',
  );
  checkFaultsReach(faults, steps);
  for (const hold of holdsOf(scenario)) {
    if (hold.afterChunks !== undefined) checkReach('`hold`', steps, { afterChunks: hold.afterChunks });
  }
}

/** The plan of the answer to one request. */
export function planAnswer(scenario: Scenario, request: AnswerRequest): Answer {
  const { faults = [] } = scenario;
  const edited = applyFaults(planOf(scenario, request), faults, 'payload');
  const held = { ...edited, steps: holdsOf(scenario).reduce<readonly Step[]>(withHold, edited.steps) };
  const going = applyFaults(held, faults, 'insert');
  const whole = applyFaults(going, faults, 'error');
  const promised = applyFaults(whole, faults, 'last').steps;
  return { ...applyFaults(applyFaults(whole, faults, 'ending'), faults, 'last'), promised };
}

function planOf({ reply }: Scenario, request: AnswerRequest): Plan {
  const rest = { noGzipTrailer: false, heartbeat: undefined };
  switch (reply.type) {
    case 'chat': {
      if (!request.stream) return { ...rest, ...documentPlan(200, {}, renderDocument(reply, request)) };
      return { ...rest, ...ssePlan([...renderChunks(reply, request).map(chunkMessage), DONE_MESSAGE]) };
    }
    case 'payloads':
      return { ...rest, ...ssePlan([...reply.payloads.map(chunkMessage), ...(reply.done ? [DONE_MESSAGE] : [])]) };
    case 'http':
      return { ...rest, ...documentPlan(reply.status, reply.headers, reply.body) };
  }
}

function ssePlan(messages: readonly Message[]): Pick<Plan, 'status' | 'headers' | 'format' | 'steps'> {
  const headers = { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-cache, must-revalidate' };
  return { status: 200, headers, format: 'sse', steps: stepsOf(messages) };
}

function documentPlan(
  status: number,
  headers: Readonly<Record<string, string>>,
  body: string | Readonly<Record<string, unknown>>,
): Pick<Plan, 'status' | 'headers' | 'format' | 'steps'> {
  const contentType = typeof body === 'string' ? 'text/plain; charset=utf-8' : 'application/json';
  const lowered = Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value] as const);
  return {
    status,
    headers: { 'content-type': contentType, ...Object.fromEntries(lowered) },
    format: 'document',
    steps: stepsOf(body === '' ? [] : [documentMessage(body)]),
  };
}

function stepsOf(messages: readonly Message[]): Step[] {
  return [{ type: 'headers' }, ...messages, { type: 'end', how: 'clean' }];
}

function withHold(steps: readonly Step[], hold: Hold): Step[] {
  const step: Step = { type: 'hold', hold: { maxMs: LONGEST_HOLD_MS, ...hold } };
  if (!('before' in hold)) return insertAt(steps, hold, [step]);
  return steps.flatMap((each) => (isMessage(each) && each.role === 'chunk' ? [step, each] : [each]));
}

function holdsOf({ hold = [] }: Scenario): readonly Hold[] {
  return 'until' in hold ? [hold] : hold;
}

function checkReply(reply: Reply): void {
  const type: unknown = reply.type;
  if (typeof type !== 'string' || !Object.hasOwn(REPLY_FIELDS, type)) {
    fail('`reply`', 'what a builder such as `chatText` or `httpError` made', reply);
  }
  checkFields('`reply`', reply, { type: isText, ...REPLY_FIELDS[reply.type] });
}

const REPLY_FIELDS: Readonly<Record<Reply['type'], FieldChecks>> = {
  chat: {
    choices: required({
      expected: 'a list with one entry at least',
      passes: (value) => Array.isArray(value) && value.length > 0,
    }),
    options: required(isObject),
  },
  payloads: { payloads: required(isList), done: required(isFlag) },
  http: {
    status: required(isWhole('', 200, 599)),
    headers: required(isHeaders),
    body: required({
      expected: 'a string or an object',
      passes: (value) => typeof value === 'string' || isRecord(value),
    }),
  },
};
