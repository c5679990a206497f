/**
 * The clock of one request: arms a timer for each budget, and aborts when one is spent. Nothing happens per chunk: when a
 * timer is due it asks how long the consumer has waited by now. References neither Response nor body.
 */
// Not the globals: jsdom's return numbers, and fake ones of a test never fire.
import { clearTimeout, setImmediate, setTimeout } from 'node:timers';
import type { SentAttempt } from '../../process-state.js';
import type { BudgetLimits, TimeoutKind } from '../../stream/outcome.js';
import { follow, isSignal } from './callers-signal.js';
import type { Limits } from './limits.js';
import type { NodeBody } from './node-body.js';
import { TimeoutError } from './timeout-error.js';

/** An answer as far as its headers are there. */
export interface Answer {
  readonly ok: boolean;
  readonly contentType: string;
  readonly nodeBody: NodeBody | undefined;
}

type TimerName = 'headers' | 'total' | 'chunks';
const TIMERS: readonly TimerName[] = ['headers', 'total', 'chunks'];

export class RequestClock {
  readonly #limits: Limits;
  readonly #startMs = performance.now();
  readonly #controller = new AbortController();
  readonly #stopFollowing: (() => void) | undefined;
  readonly #timers: { [Name in TimerName]?: NodeJS.Timeout } = {};
  #attempt: SentAttempt | undefined;
  #answer: Answer | undefined;
  #answeredMs = 0;
  #silenceMs = 0;
  #spent: TimeoutError | undefined;
  #isOver = false;

  /** @param callersSignal - its abort stays one, with its reason */
  constructor(limits: Limits, callersSignal: unknown) {
    this.#limits = limits;
    this.#stopFollowing = isSignal(callersSignal) ? follow(callersSignal, this.#controller) : undefined;
  }

  /** For the request: aborts with the error of the budget, or with the caller's reason. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** The request is about to be sent; `attempt`: as a part of this LLM call. */
  start(attempt: SentAttempt | undefined): void {
    this.#follow(attempt);
    const limits = this.#limitsOf(attempt);
    this.#arm('headers', limits.headersMs, () => this.#expire('headers', limits.headersMs));
    this.#arm('total', limits.totalMs, () => this.#expire('total', limits.totalMs));
    this.#watchChunks(limits);
  }

  /** The headers came; `observer`: what somebody further in took the request for. */
  answered(answer: Answer, observer?: SentAttempt): void {
    this.#disarm('headers');
    if (this.#isOver) return;
    this.#answer = answer;
    this.#answeredMs = this.#elapsedMs();
    answer.nodeBody?.whenClosed(() => this.end());
    if (observer) this.#follow(observer);
    const asked = this.#attempt?.streamRequested;
    if (!answer.ok) this.#disarm('chunks');
    else if (observer) this.#watchChunks(this.#limitsOf(observer));
    // Nobody could read what was requested: its headers came in the time of other requests.
    else if (asked === undefined && answer.contentType.includes('event-stream')) {
      this.#watchChunks({ ...this.#limits.streamed, headersMs: this.#limits.other.headersMs });
    }
  }

  /** What the caller is told where the request failed with `error`. */
  errorFor(error: unknown): unknown {
    // A `fetch` of another make has an error of its own for every abort.
    if (this.#spent !== undefined) return nameOf(error) === 'AbortError' ? this.#spent : error;
    const { connectMs } = this.#limits.other;
    if (connectMs === undefined || !isConnectTimeout(error)) return error;
    return new TimeoutError('connect', connectMs, { cause: error });
  }

  /** The body has ended, or there will be none. */
  end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    for (const name of TIMERS) this.#disarm(name);
    this.#stopFollowing?.();
  }

  #follow(attempt: SentAttempt | undefined): void {
    this.#attempt = attempt;
    attempt?.whenOver(() => this.#attempt === attempt && this.end());
  }

  #limitsOf(attempt: SentAttempt | undefined): BudgetLimits {
    return attempt?.streamRequested === true ? this.#limits.streamed : this.#limits.other;
  }

  #watchChunks(limits: BudgetLimits): void {
    if (this.#attempt === undefined) return;
    this.#attempt.call.budgeted?.(limits);
    const { firstTokenMs, idleMs } = limits;
    this.#checkIn(sooner(firstTokenMs && Math.max(firstTokenMs - this.#elapsedMs(), 0), idleMs));
  }

  /** Asks what is left of the budget that runs now. */
  #check(): void {
    const { firstTokenMs, idleMs } = this.#limits.streamed;
    const attempt = this.#attempt;
    if (attempt === undefined) return;
    const { call } = attempt;
    const { outcome } = call.report();
    // A call that is settled, of which somebody reads on all the same, takes no more chunks: then bytes have to do.
    const isSettled = outcome.outcome !== 'open';
    const silenceMs = (isSettled ? attempt.silenceMs : call.silenceMs?.()) ?? 0;
    const isWaiting = attempt.isWaiting ?? silenceMs > this.#silenceMs;
    this.#silenceMs = silenceMs;
    const hasOutput = outcome.timeToFirstTokenMs !== undefined || outcome.finishReasonReceived;
    const runs = firstTokenMs !== undefined && !hasOutput ? 'first_token' : 'idle';
    const limitMs = runs === 'first_token' ? firstTokenMs : idleMs;
    if (limitMs === undefined) return;
    const isBegun = outcome.timeToLastChunkMs !== undefined;
    // One document has no chunks.
    const isRunning = isBegun || (runs !== 'idle' && !this.#saysDocument());
    const spentMs = runs === 'first_token' && !isSettled ? this.#waitedForOutputMs() : silenceMs;
    const leftMs = isRunning ? limitMs - spentMs : limitMs;
    // Timers may fire a fraction early.
    if (leftMs < 1) {
      this.#expire(runs, limitMs);
      return;
    }
    // After the first output, which may come at once, the idle budget runs.
    const dueMs = (runs === 'first_token' ? sooner(leftMs, idleMs) : leftMs) ?? leftMs;
    // Of a consumer that does something else the clock stands: there is no telling when it will be back.
    this.#checkIn(isWaiting ? dueMs : Math.max(dueMs, Math.min(limitMs / 4, MOST_LATENESS_MS)));
  }

  #checkIn(ms: number | undefined): void {
    this.#arm('chunks', ms, () => this.#check());
  }

  /** Before the headers everybody waits. */
  #waitedForOutputMs(): number {
    const elapsedMs = this.#elapsedMs();
    if (this.#answer === undefined) return elapsedMs;
    return this.#answeredMs + (this.#attempt?.waitedMs ?? elapsedMs - this.#answeredMs);
  }

  #saysDocument(): boolean {
    return this.#answer?.contentType.includes('json') ?? false;
  }

  #elapsedMs(): number {
    return performance.now() - this.#startMs;
  }

  #arm(name: TimerName, ms: number | undefined, act: () => void): void {
    this.#disarm(name);
    if (ms === undefined || this.#isOver) return;
    const timer = setTimeout(
      () => {
        // Whoever blocked the event loop for so long has kept what came meanwhile: it is read before anybody judges.
        setImmediate(() => this.#timers[name] === timer && act());
      },
      Math.min(ms, LONGEST_TIMER_MS),
    );
    this.#timers[name] = timer.unref();
  }

  #disarm(name: TimerName): void {
    clearTimeout(this.#timers[name]);
    delete this.#timers[name];
  }

  #expire(budget: TimeoutKind, limitMs = 0): void {
    const { aborted } = this.signal;
    this.end();
    if (aborted) return;
    const spent = new TimeoutError(budget, limitMs);
    this.#spent = spent;
    this.#attempt?.spentOn?.(spent);
    const abort = () => this.#controller.abort(spent);
    // The first error counts, for a stream of Node's too.
    if (this.#answer?.nodeBody?.fail(spent)) setImmediate(abort);
    else abort();
  }
}

/** Of two waits, of which either may be none. */
function sooner(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || b === undefined ? (a ?? b) : Math.min(a, b);
}

/** How late a budget may be noticed to be spent, where the consumer paused meanwhile. */
const MOST_LATENESS_MS = 250;

/** Node takes anything longer for 1 ms. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

function isConnectTimeout(error: unknown): boolean {
  return codeOf(error) === CONNECT_TIMEOUT || (error instanceof Error && codeOf(error.cause) === CONNECT_TIMEOUT);
}

const CONNECT_TIMEOUT = 'UND_ERR_CONNECT_TIMEOUT';

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}

function nameOf(error: unknown): unknown {
  return error instanceof Error ? error.name : undefined;
}
