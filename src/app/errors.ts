/** The one class of errors that this package throws to an application, and the table of their codes. */
import type { CallOutcome } from './call-outcome.js';

/** Why one of the assertions threw; a code is never renamed. */
export type LlmStreamErrorCode =
  /** The subject came out of no call that was observed. */
  | 'LLM_STREAM_NOT_OBSERVED'
  /** The subject came out of several calls. */
  | 'LLM_STREAM_AMBIGUOUS'
  /** The call failed, was cancelled, or is still open. */
  | 'LLM_STREAM_NOT_COMPLETED'
  /** A tool call is half, or was never said to be finished. */
  | 'LLM_STREAM_TOOL_CALLS_INCOMPLETE'
  /** Whether the tool calls are whole, and all of them, cannot be told. */
  | 'LLM_STREAM_TOOL_CALLS_UNKNOWN';

interface Row {
  readonly expected: string;
  /** What the application can, or must not, do now. */
  readonly now: string;
}

const ERRORS: Readonly<Record<LlmStreamErrorCode, Row>> = {
  LLM_STREAM_NOT_OBSERVED: {
    expected: 'what came out of an observed LLM call (a Response, a stream, a runner, an answer, an error)',
    now: 'nothing can be said of it: was the instrumentation registered before the call, and is its endpoint known?',
  },
  LLM_STREAM_AMBIGUOUS: {
    expected: 'what came out of one LLM call',
    now: 'ask with the stream or the Response of the call itself',
  },
  LLM_STREAM_NOT_COMPLETED: {
    expected: 'a completed LLM call',
    now: 'what was delivered is no whole answer',
  },
  LLM_STREAM_TOOL_CALLS_INCOMPLETE: {
    expected: 'complete tool calls',
    now: 'they must not be executed',
  },
  LLM_STREAM_TOOL_CALLS_UNKNOWN: {
    expected: 'an answer whose tool calls can be checked',
    now: 'none of them should be executed',
  },
};

/**
 * Thrown by {@link assertCompleted} and {@link assertToolCallsComplete}, and by nothing that runs inside a call.
 * Tell it by `code`: with two copies of this package in a process, `instanceof` knows one.
 */
export class LlmStreamError extends Error {
  static {
    // On the prototype, as with the built-in errors: it is no datum of one error.
    LlmStreamError.prototype.name = 'LlmStreamError';
  }

  /** Which row of the table. */
  readonly code: LlmStreamErrorCode;
  /** How the call had gone when the error was made; absent where there is no one call. */
  readonly outcome: CallOutcome | undefined;

  /**
   * @param got - what there was instead; no content: it becomes a part of the message
   * @param options - `now`: what follows from it, where that is not what follows from its code
   */
  constructor(
    code: LlmStreamErrorCode,
    got: string,
    options: {
      readonly outcome?: CallOutcome | undefined;
      readonly cause?: unknown;
      readonly now?: string | undefined;
    } = {},
  ) {
    const { expected, now } = ERRORS[code];
    super(
      `expected ${expected}, got ${got}; ${options.now ?? now}`,
      options.cause === undefined ? undefined : { cause: options.cause },
    );
    this.code = code;
    this.outcome = options.outcome;
  }
}
