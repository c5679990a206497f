/**
 * Recording rules: what is asked for over weeks, or by services of very many processes. No panel and no alert needs them.
 */
import {
  ATTR_GEN_AI_PROVIDER_NAME,
  ATTR_GEN_AI_REQUEST_MODEL,
  ATTR_LLM_STREAM_OUTCOME,
} from '../../../src/telemetry/semconv.js';
import { CALLS, JOB, label } from './metrics.js';
import { PLAIN, Promql } from './promql.js';

export interface Recording {
  readonly record: string;
  readonly expr: string;
}

const BY = [JOB, ...[ATTR_GEN_AI_PROVIDER_NAME, ATTR_GEN_AI_REQUEST_MODEL, ATTR_LLM_STREAM_OUTCOME].map(label)];

/** Calls a second, one series for each model and outcome instead of one for each process, stage and category. */
export const CALLS_RATE: Recording = {
  record: 'llm_stream:calls:rate5m',
  expr: new Promql(PLAIN).callRate(CALLS, [], BY),
};

export const RECORDINGS: readonly Recording[] = [CALLS_RATE];
