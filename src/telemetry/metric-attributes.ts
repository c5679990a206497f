/**
 * The attributes of metrics. An SDK keeps a series for each combination it was ever given, so that the values of one
 * attribute are bounded here: what a process has not seen among its first hundred is `_OTHER`.
 */
import type { Attributes } from '@opentelemetry/api';
import type { ApplicationFacts, CallDescription } from '../stream/call-description.js';
import * as names from './semconv.js';
import { cut } from './span-attributes.js';

/** Distinct values of one attribute per process. */
export const MOST_VALUES = 100;
const OTHER = '_OTHER';

/** What of the call context our metrics are broken down by. */
export type MetricDimensions = readonly ('feature' | 'route')[];

/** What is known of a call from its start on. */
export interface StartAttributes {
  /** Operation, provider, model: what a chunk costs least with. */
  readonly bare: Attributes;
  /** The same, and the endpoint: the conventions' metrics. */
  readonly convention: Attributes;
  /** The same as `bare`, by feature and route where that is asked for: ours. */
  readonly own: Attributes;
}

export function startAttributes(
  call: CallDescription,
  application: ApplicationFacts | undefined,
  dimensions: MetricDimensions,
): StartAttributes {
  const bare: Attributes = {};
  put(bare, names.ATTR_GEN_AI_OPERATION_NAME, call.operation);
  put(bare, names.ATTR_GEN_AI_PROVIDER_NAME, call.provider);
  put(bare, names.ATTR_GEN_AI_REQUEST_MODEL, call.model);

  const convention = { ...bare };
  put(convention, names.ATTR_SERVER_ADDRESS, call.serverAddress);
  putNumber(convention, names.ATTR_SERVER_PORT, call.serverPort);

  if (application === undefined || dimensions.length === 0) return { bare, convention, own: bare };
  const own = { ...bare };
  if (dimensions.includes('feature')) put(own, names.ATTR_LLM_STREAM_FEATURE, application.feature);
  if (dimensions.includes('route')) put(own, names.ATTR_LLM_STREAM_ROUTE, application.route);
  return { bare, convention, own };
}

/** Adds a text that anybody may have chosen. */
export function put(attributes: Attributes, name: string, value: string | undefined): void {
  if (value === undefined) return;
  const short = cut(value);
  attributes[name] = isAmongFirst(name, short) ? short : OTHER;
}

/** The same for a number, which is left out instead: no number means "other". */
export function putNumber(attributes: Attributes, name: string, value: number | undefined): void {
  if (value !== undefined && isAmongFirst(name, value)) attributes[name] = value;
}

const seen = new Map<string, Set<string | number>>();

function isAmongFirst(name: string, value: string | number): boolean {
  let values = seen.get(name);
  if (values === undefined) {
    values = new Set();
    seen.set(name, values);
  }
  if (values.has(value)) return true;
  if (values.size >= MOST_VALUES) return false;
  values.add(value);
  return true;
}
