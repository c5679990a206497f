/** What a test asks of the child process, and what it hears back: plain data both ways. */

/** What every probe calls: a parameter of the library's bundle, so that each instance tells its own round. */
export const PROBE = '__llmStreamProbe';
/** The parameter that stands for the clock in the library's bundle. */
export const CLOCK = '__llmStreamClock';
/** The file of the library's bundle. */
export const LIBRARY = 'library.cjs';

/** One run of some scenarios, all at once. */
export interface Round {
  /** `control`: nothing of the library is loaded. */
  readonly library: 'control' | 'patched';
  readonly scenarios: readonly string[];
  /** How long a scenario may take; longer means that it hangs. @defaultValue 15000 */
  readonly patienceMs?: number;
  /** Whether the report says in which ways functions were reached: slow. */
  readonly traced?: boolean;
  /** The function that throws, from the beginning or once the answers are there. */
  readonly armed?: { readonly id: string; readonly from: Moment };
  /** What the application gave to the library, and throws. */
  readonly broken?: Breakable;
}

export const MOMENTS = ['start', 'answered'] as const;
export type Moment = (typeof MOMENTS)[number];

export const BREAKABLES = [
  'tracer.startSpan',
  'span.isRecording',
  'span.spanContext',
  'span.addEvent',
  'span.setAttribute',
  'span.setStatus',
  'span.end',
  'sampler.shouldSample',
  'processor.onStart',
  'processor.onEnd',
  'context.active',
  'context.with, before it calls',
  'context.with, after it called',
  'diag',
  'headers.get',
] as const;

/** `endpoint.exec`: of a configured RegExp, which the library copies and never runs. */
export type Breakable = (typeof BREAKABLES)[number] | 'endpoint.exec';

export interface Report {
  /** What each scenario saw. */
  readonly seen: Readonly<Record<string, unknown>>;
  /** How many requests of each scenario reached the server. */
  readonly requests: Readonly<Record<string, number>>;
  /** How many did in all, those of no scenario too. */
  readonly requestCount: number;
  readonly unhandled: readonly string[];
  readonly uncaught: readonly string[];
  /** Whether `fetch` was the platform's own again, the SDK's methods its own, and stacks as long as before. */
  readonly restored: boolean;
  /** Whether the sweep over open calls still runs: some call will never end. */
  readonly open: boolean;
  /** Good calls after everything works again: what they saw, and their spans. */
  readonly recovered: unknown;
  /** How often something that was made to throw was reached. */
  readonly thrown: number;
  /** What the library said over `diag`. */
  readonly lines: readonly string[];
  /** By id, the functions reached from that moment on; of a traced round their ways, each a digest of the callers' stack. */
  readonly reached: Readonly<Record<Moment, Readonly<Record<string, readonly string[]>>>>;
}
