/**
 * The models that the traffic goes to: one provider on this machine, under the paths and at the pace of several.
 */
import type { Delivery } from '../../../testing/index.js';

export interface Deployment {
  /** As `gen_ai.provider.name` has it. */
  readonly provider: string;
  readonly model: string;
  /** What stands before `/chat/completions`; the instrumentation is told the provider by it. */
  readonly path: string;
  /** The OpenAI SDK, or `fetch` and a loop written by hand. */
  readonly through: 'openai' | 'fetch';
  /** What is usual; `latencyMs` differs from call to call. */
  readonly pace: Pick<Delivery, 'latencyMs' | 'gapMs' | 'jitterMs'>;
}

export const DEPLOYMENTS = {
  'gpt-5.1': {
    provider: 'openai',
    model: 'gpt-5.1',
    path: '/openai/v1',
    through: 'openai',
    pace: { latencyMs: 250, gapMs: 20, jitterMs: 30 },
  },
  // Known by the path alone: the deployment is the model.
  'gpt-5-mini': {
    provider: 'azure.ai.openai',
    model: 'gpt-5-mini',
    path: '/openai/deployments/gpt-5-mini',
    through: 'fetch',
    pace: { latencyMs: 400, gapMs: 15, jitterMs: 60 },
  },
  'llama-4-maverick': {
    provider: 'groq',
    model: 'llama-4-maverick',
    path: '/groq/v1',
    through: 'fetch',
    pace: { latencyMs: 80, gapMs: 6, jitterMs: 10 },
  },
  'mistral-large': {
    provider: 'mistral_ai',
    model: 'mistral-large',
    path: '/mistral/v1',
    through: 'openai',
    pace: { latencyMs: 300, gapMs: 30, jitterMs: 30 },
  },
  // The one that is in trouble: slow, and with most of the failures.
  'deepseek-reasoner': {
    provider: 'deepseek',
    model: 'deepseek-reasoner',
    path: '/deepseek/v1',
    through: 'openai',
    pace: { latencyMs: 700, gapMs: 35, jitterMs: 60 },
  },
} as const satisfies Readonly<Record<string, Deployment>>;

export type DeploymentName = keyof typeof DEPLOYMENTS;

/** For the option `endpoints`: on a gateway's host, only the path tells providers apart. */
export const ENDPOINTS = Object.values(DEPLOYMENTS).map(({ path, provider }) => ({
  url: `${path}/chat/completions`,
  provider,
}));
