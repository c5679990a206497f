/** What is known of a call before it starts, and what of it goes on the span. The machine never looks at it. */

/** What is known of a call before it starts: what a sampler may see. */
export interface CallDescription {
  /** Wall clock, milliseconds since the epoch. */
  readonly startEpochMs: number;
  /** Undefined, as the next one, where a call that never came to a request did not say. */
  readonly operation: string | undefined;
  readonly provider: string | undefined;
  readonly model?: string | undefined;
  readonly serverAddress?: string | undefined;
  readonly serverPort?: number | undefined;
  /** Undefined where the request body could not be read. */
  readonly stream?: boolean | undefined;
  readonly parameters: RequestParameters;
  readonly bodySize?: number | undefined;
  readonly messageCount?: number | undefined;
  readonly toolCount?: number | undefined;
  /** Undefined where the headers could not be read. */
  readonly apiKeyPresent?: boolean | undefined;
  readonly apiType?: string | undefined;
  readonly azure: boolean;
}

/** What only the application knows of a call: said around it, not in it. */
export interface ApplicationFacts {
  readonly requestId?: string | undefined;
  readonly feature?: string | undefined;
  readonly route?: string | undefined;
  readonly configVersion?: string | undefined;
  /** Which retry of the application's own this is, and which of its fallbacks; 0 is the first try. */
  readonly retryAttempt?: number | undefined;
  readonly fallbackAttempt?: number | undefined;
  /** Attributes of its own. */
  readonly attributes?: Readonly<Record<string, ApplicationValue>> | undefined;
}

/** What stands around a call, beside what its request says. */
export interface Surroundings {
  readonly application?: ApplicationFacts | undefined;
  /** The failed call that this one is another try of. */
  readonly previous?: SpanIdentity | undefined;
}

/** Ids and flags of a span, as W3C Trace Context has them. */
export interface SpanIdentity {
  readonly traceId: string;
  readonly spanId: string;
  readonly traceFlags: number;
}

/** As an attribute's value may be. */
export type ApplicationValue = string | number | boolean | readonly (string | number | boolean)[];

/** The request's own settings, as far as the conventions name them. */
export interface RequestParameters {
  readonly maxTokens?: number | undefined;
  readonly temperature?: number | undefined;
  readonly topP?: number | undefined;
  readonly topK?: number | undefined;
  readonly seed?: number | undefined;
  readonly choiceCount?: number | undefined;
  readonly frequencyPenalty?: number | undefined;
  readonly presencePenalty?: number | undefined;
  readonly stopSequences?: readonly string[] | undefined;
  readonly reasoningLevel?: string | undefined;
  readonly outputType?: string | undefined;
  readonly serviceTier?: string | undefined;
}
