/** Assertions for whoever is about to act on an answer. One that cannot check does not pass. */
import { guard } from '../guard.js';
import { type ObservedCall, processState } from '../process-state.js';
import type { ErrorCategory, ToolCallOutcome } from '../stream/outcome.js';
import { cut } from '../telemetry/span-attributes.js';
import { type CallOutcome, callOutcome } from './call-outcome.js';
import { LlmStreamError, type LlmStreamErrorCode } from './errors.js';
import { findCall, propertyOf } from './find-call.js';

/**
 * Throws unless the call that `subject` came out of is completed: a stream that was cut may end its loop like a whole one.
 * Also where the call is still open, and where `subject` came out of no observed call, or of several.
 *
 * Completed is not "said everything": see `completion` (`length`, `content_filter`) of what it returns.
 *
 * @param subject - as for {@link outcomeOf}
 * @throws {@link LlmStreamError} with `LLM_STREAM_NOT_COMPLETED`, `LLM_STREAM_NOT_OBSERVED` or `LLM_STREAM_AMBIGUOUS`
 */
export function assertCompleted(subject: unknown): CallOutcome {
  const { call, outcome, isWhole } = observed(subject);
  if (outcome.outcome === 'completed') return outcome;
  const now = isWhole ? describeLoss(outcome) : undefined;
  throw refusal('LLM_STREAM_NOT_COMPLETED', describeEnd(outcome), { subject, call, outcome, now });
}

/**
 * Throws unless the tool calls of an answer can be executed: the answer is finished (each of its choices has a finish
 * reason, or the format's own end of stream came), all of it could be read, and each tool call in it is whole.
 * An answer without tool calls passes where it is finished.
 *
 * It throws for a call that is open or was cut although no tool call had begun: one may have been to come, and a loop that
 * takes the cut text for the last word is wrong too. To execute single calls while others are on their way, look at
 * `complete` of {@link CallOutcome.toolCalls}.
 *
 * @param subject - as for {@link outcomeOf}
 * @throws {@link LlmStreamError} with `LLM_STREAM_TOOL_CALLS_INCOMPLETE` (names, indexes and ids are in the message, never
 * an argument), `LLM_STREAM_TOOL_CALLS_UNKNOWN`, `LLM_STREAM_NOT_OBSERVED` or `LLM_STREAM_AMBIGUOUS`
 */
export function assertToolCallsComplete(subject: unknown): CallOutcome {
  const { call, outcome } = observed(subject);
  const incomplete = outcome.toolCalls.filter(({ complete }) => !complete);
  if (incomplete.length > 0) {
    const got = describeIncomplete(incomplete, outcome);
    throw refusal('LLM_STREAM_TOOL_CALLS_INCOMPLETE', got, { subject, call, outcome });
  }
  const doubt = DOUBTS.find(({ applies }) => applies(outcome));
  if (doubt) throw refusal('LLM_STREAM_TOOL_CALLS_UNKNOWN', doubt.got(outcome), { subject, call, outcome });
  return outcome;
}

interface Doubt {
  applies(outcome: CallOutcome): boolean;
  got(outcome: CallOutcome): string;
}

/** Why nobody can say that all tool calls are there; the first one that applies is told. */
const DOUBTS: readonly Doubt[] = [
  { applies: ({ chunkCount }) => chunkCount === undefined, got: () => 'one that was read where nobody could see it' },
  { applies: (outcome) => !isFinished(outcome), got: describeEnd },
  {
    // Over, and no chunk of it: a document larger than what is kept of one, or one that only the SDK saw.
    applies: ({ chunkCount, doneEventReceived }) => chunkCount === 0 && doneEventReceived !== true,
    got: () => 'one whose content was not read',
  },
  {
    applies: ({ toolCalls, toolCallCount = 0 }) => toolCallCount > toolCalls.length,
    got: ({ toolCalls, toolCallCount = 0 }) =>
      `one with ${toolCallCount} tool calls, of which ${toolCalls.length} are followed`,
  },
  {
    // A part of the arguments may have been in it: what is left can close and be wrong.
    applies: ({ invalidChunkCount = 0 }) => invalidChunkCount > 0,
    got: ({ invalidChunkCount = 0 }) =>
      `one of which ${invalidChunkCount} ${invalidChunkCount === 1 ? 'chunk' : 'chunks'} could not be read`,
  },
];

function isFinished({ outcome, stage }: CallOutcome): boolean {
  return outcome === 'completed' || stage === 'after_finish_reason';
}

interface Observed {
  readonly call: ObservedCall;
  readonly outcome: CallOutcome;
  /** The answer itself, whatever became of it afterwards. */
  readonly isWhole: boolean;
}

function observed(subject: unknown): Observed {
  const found = findCall(subject);
  if (found.type === 'several') throw refusal('LLM_STREAM_AMBIGUOUS', 'something that several share', { subject });
  const call = found.type === 'one' ? found.call : undefined;
  const report = call && guard('outcome', () => call.report());
  const outcome = report && guard('outcome', () => callOutcome(report));
  if (call && report && outcome) return { call, outcome, isWhole: report.outcome.answerCompleted === true };
  throw refusal('LLM_STREAM_NOT_OBSERVED', describeSubject(subject), { subject });
}

interface About {
  readonly subject: unknown;
  readonly call?: ObservedCall;
  readonly outcome?: CallOutcome;
  readonly now?: string | undefined;
}

function refusal(code: LlmStreamErrorCode, got: string, { subject, call, outcome, now }: About): LlmStreamError {
  const cause = subject instanceof Error ? subject : undefined;
  const error = new LlmStreamError(code, got, { outcome, cause, now });
  // Whoever catches it further up can ask for the outcome by it, as by every other error of the call.
  if (call) processState().calls.set(error, call);
  return error;
}

function describeEnd({ outcome, stage, failureStage, errorCategory, terminationKind }: CallOutcome): string {
  if (outcome === 'open') return `one that is still open (\`${stage}\`): its answer was not read to the end`;
  const words = [failureStage, errorCategory ?? terminationKind].filter((word) => word !== undefined);
  return `one that ${outcome === 'cancelled' ? 'was cancelled' : outcome} (${words.map((word) => `\`${word}\``).join(', ')})`;
}

/** What became of a whole answer. */
function describeLoss({ errorCategory }: CallOutcome): string {
  const loss = errorCategory && LOSSES[errorCategory];
  return `the answer is whole, but ${loss ?? 'whoever asked for it had left'}`;
}

const LOSSES: Readonly<Partial<Record<ErrorCategory, string>>> = {
  processing_failed: 'was not processed',
  persistence_failed: 'was not stored',
  delivery_failed: 'was not delivered',
};

/** As many as a message can bear. */
const MAX_NAMED = 16;

function describeIncomplete(incomplete: readonly ToolCallOutcome[], { outcome, toolCallCount }: CallOutcome): string {
  const named = incomplete.slice(0, MAX_NAMED).map(describeToolCall).join(', ');
  const more = incomplete.length > MAX_NAMED ? `, and ${incomplete.length - MAX_NAMED} more` : '';
  const open = outcome === 'open' ? ', and the answer not read to its end' : '';
  return `${incomplete.length} of ${toolCallCount} incomplete: ${named}${more}${open}`;
}

function describeToolCall({ choice, index, name, id }: ToolCallOutcome): string {
  const of = choice === 0 ? '' : ` of choice ${choice}`;
  const called = name === undefined ? '' : ` "${cut(name)}"`;
  return `call ${index}${of}${called}${id === undefined ? '' : ` (${cut(id)})`}`;
}

/** Its kind alone: a value may be content. */
function describeSubject(subject: unknown): string {
  if (subject === null || subject === undefined) return String(subject);
  if (subject instanceof Promise) return 'a Promise, which has to be awaited first';
  if (typeof subject !== 'object') return `a ${typeof subject}`;
  // A function: parsed JSON may have a `constructor` of its own.
  const maker = propertyOf(subject, 'constructor');
  const name = typeof maker === 'function' ? propertyOf(maker, 'name') : undefined;
  return typeof name === 'string' && name !== '' ? `an object of class \`${cut(name)}\`` : 'an object';
}
