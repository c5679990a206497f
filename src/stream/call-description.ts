/** What is known of a call before it starts, and what of it goes on the span. The machine never looks at it. */

/** What is known of a call before it starts: what a sampler may see. */
export interface CallDescription {
  /** Wall clock, milliseconds since the epoch. */
  readonly startEpochMs: number;
  readonly operation: string;
  readonly provider: string;
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
