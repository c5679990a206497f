/**
 * What parent and application of the traffic say to each other. The parent gives one round after another; the application
 * makes the calls, and says how many ended how.
 */

/** How the application goes about one call. */
export interface Manner {
  /** Instead of the deployment's own way; `own_reader` reads the body by what no instrumentation can see. */
  readonly through?: 'openai' | 'fetch' | 'own_reader';
  /** How often the SDK may try again. @defaultValue 0 */
  readonly maxRetries?: number;
  /** The waits that `/budgets` cuts short; the others have their defaults. */
  readonly budgets?: { readonly firstTokenMs?: number; readonly idleMs?: number; readonly totalMs?: number };
  /** Leaves the loop after so many chunks. */
  readonly leaves?: { readonly by: 'break' | 'abort' | 'throw'; readonly afterChunks: number };
  /** Gives up, by its own timeout, on a stream that has gone silent. */
  readonly losesPatience?: boolean;
  /** Holds the call, and says what became of the answer. */
  readonly afterwards?: 'tools_executed' | 'not_stored' | 'client_left';
  /** Fails before there is a request: its callback throws, or it says so by `recordFailure`. */
  readonly early?: 'throws' | 'told';
}

/** One call, or one try of a chain. */
export interface TryOrder {
  /** What stands before `/chat/completions`. */
  readonly baseUrl: string;
  readonly provider: string;
  readonly model: string;
  /** Which scenario the provider is to play, by a header: models keep their names. */
  readonly scenario: string;
  readonly manner: Manner & { readonly through: NonNullable<Manner['through']> };
  readonly retryAttempt: number;
  readonly fallbackAttempt: number;
}

/** What one request to the application makes of calls. */
export interface ChainOrder {
  readonly requestId: string;
  readonly route: string;
  readonly feature: string;
  readonly configVersion: string;
  readonly tries: readonly TryOrder[];
}

/** How fast it goes. */
export interface Rhythm {
  /** Between the starts of two chains. */
  readonly paceMs: number;
  readonly atOnce: number;
  /** How long a silent stream is waited for by whoever loses patience. */
  readonly patienceMs: number;
}

/** Given to the application as its only argument, in JSON. */
export interface TrafficJob {
  readonly tracesUrl: string;
  readonly metricsUrl: string;
  readonly instanceId: string;
  readonly endpoints: readonly { readonly url: string; readonly provider: string }[];
  readonly stallThresholdMs: number;
  readonly rhythm: Rhythm;
}

export type Instruction =
  | { readonly type: 'round'; readonly chains: readonly ChainOrder[] }
  /** No more calls: those that are open may end, and what is recorded is sent. */
  | { readonly type: 'end' };

/** Calls that ended alike. */
export interface EndedAlike {
  readonly outcome: string;
  /** Of what did not complete. */
  readonly failureStage?: string;
  readonly calls: number;
}

/** How the export of one signal went. */
export interface Exported {
  /** Spans, or collections of metrics, that the backend said it took. */
  readonly accepted: number;
  /** Those that it did not take, or of which nothing was heard. */
  readonly lost: number;
  /** Why the last export failed; absent where it did not. */
  readonly problem?: string;
}

export type TrafficMessage =
  | { readonly type: 'ready' }
  /** With the calls that ended since the round before. */
  | { readonly type: 'round_over'; readonly ended: readonly EndedAlike[] }
  /** Said at the first export that fails, and, without `problem`, at the first one that is taken again. */
  | { readonly type: 'backend'; readonly url: string; readonly problem?: string }
  | { readonly type: 'ended'; readonly result: TrafficResult }
  /** The application could not do its work. */
  | { readonly type: 'stopped'; readonly problem: string };

export interface TrafficResult {
  readonly ended: readonly EndedAlike[];
  /** Calls that were open at the end, and were ended because of it; they are among the others. */
  readonly endedByShutdown: number;
  readonly spans: Exported;
  readonly metrics: Exported;
}
