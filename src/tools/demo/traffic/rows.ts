/**
 * The traffic as data: what a team's application asks for in one round, how often, and what goes wrong.
 * As in `calls.ts`, nothing here says how a call ends. About one call in seven does not go well, most of them at one provider.
 */
import {
  type ChatOptions,
  type ChatPiece,
  type ChatUsage,
  chatPieces,
  chatText,
  chatToolCalls,
  httpError,
  type Scenario,
} from '../../../testing/index.js';
import type { DeploymentName } from './deployments.js';
import type { Manner } from './messages.js';

export interface TrafficRow {
  readonly name: string;
  /** How often in a round: the weight. */
  readonly perRound: number;
  readonly route: string;
  readonly feature: string;
  /** In turn, until one completes: the same deployment again is a retry, another one a fallback. */
  readonly tries: readonly TrafficTry[];
}

export interface TrafficTry {
  readonly deployment: DeploymentName;
  /**
   * What the provider does; several: its answers to the SDK's own attempts, in a row that comes once in a round.
   * `refused`: nobody listens there. `none`: it does not come to a request.
   */
  readonly wire: TrafficWire | readonly TrafficWire[] | 'refused' | 'none';
  readonly manner?: Manner;
}

/** How it travels is the deployment's, but for what is meant. */
export type TrafficWire = Pick<Scenario, 'reply' | 'faults' | 'hold'> & { readonly latencyMs?: number };

/**
 * Silence that the traffic calls a stall: far more than the pauses of good answers, so that a busy machine shows none, and
 * less than those that are meant.
 */
export const TRAFFIC_STALL_THRESHOLD_MS = 1_000;
const STALL_MS = 1_600;
const SLOW_FIRST_TOKEN_MS = 5_300;
/** A reset throws away what the client has not read yet; with this pause, even a slow client has. */
const RESET_PAUSE_MS = 250;

const CHAT = { route: '/chat/:id', feature: 'chat' } as const;
const SUMMARY = { route: '/documents/:id/summary', feature: 'summary' } as const;
const SUPPORT = { route: '/tickets/:id/reply', feature: 'support-reply' } as const;
const AGENT = { route: '/agent', feature: 'agent' } as const;
const RESEARCH = { route: '/research', feature: 'research' } as const;

const BOOKING = {
  name: 'book_room',
  fragments: ['{"ci', 'ty": "', 'Kyo', 'to", "', 'nights', '": ', '2', '}'],
};

const OVERLOADED = { reply: httpError(503, { code: 'overloaded' }, { 'retry-after-ms': '60' }) };
const RATE_LIMITED = { reply: httpError(429, { code: 'rate_limit_exceeded' }, { 'retry-after-ms': '60' }) };

export const TRAFFIC: readonly TrafficRow[] = [
  // What goes well.
  { name: 'chat', perRound: 38, ...CHAT, tries: [{ deployment: 'gpt-5.1', wire: { reply: prose(28, 900, 512) } }] },
  {
    name: 'summary',
    perRound: 24,
    ...SUMMARY,
    tries: [{ deployment: 'gpt-5-mini', wire: { reply: prose(18, 4_200) } }],
  },
  {
    name: 'support',
    perRound: 24,
    ...SUPPORT,
    tries: [{ deployment: 'llama-4-maverick', wire: { reply: prose(45, 1_300) } }],
  },
  {
    name: 'agent',
    perRound: 18,
    ...AGENT,
    tries: [{ deployment: 'mistral-large', wire: { reply: booking() }, manner: { afterwards: 'tools_executed' } }],
  },
  {
    name: 'research',
    perRound: 20,
    ...RESEARCH,
    tries: [{ deployment: 'deepseek-reasoner', wire: { reply: thoughts(12, 20) } }],
  },

  // What ends, and is worth a look.
  {
    name: 'cut-by-limit',
    perRound: 2,
    ...SUMMARY,
    tries: [{ deployment: 'gpt-5-mini', wire: { reply: prose(18, 4_200, 0, { finishReason: 'length' }) } }],
  },
  {
    name: 'filtered',
    perRound: 1,
    ...CHAT,
    tries: [{ deployment: 'gpt-5.1', wire: { reply: prose(4, 900, 0, { finishReason: 'content_filter' }) } }],
  },
  {
    name: 'without-usage',
    perRound: 3,
    ...SUPPORT,
    tries: [{ deployment: 'llama-4-maverick', wire: { reply: prose(45, 1_300), faults: [{ type: 'no_usage' }] } }],
  },
  {
    name: 'without-done',
    perRound: 1,
    ...SUPPORT,
    tries: [{ deployment: 'llama-4-maverick', wire: { reply: prose(45, 1_300), faults: [{ type: 'no_done' }] } }],
  },
  {
    name: 'stall',
    perRound: 2,
    ...RESEARCH,
    tries: [
      {
        deployment: 'deepseek-reasoner',
        wire: { reply: thoughts(12, 20), faults: [{ type: 'stall', afterChunks: 16, ms: STALL_MS }] },
      },
    ],
  },
  {
    name: 'slow-first-token',
    perRound: 1,
    ...RESEARCH,
    tries: [{ deployment: 'deepseek-reasoner', wire: { reply: thoughts(12, 20), latencyMs: SLOW_FIRST_TOKEN_MS } }],
  },

  // What is tried again.
  {
    name: 'sdk-retry-helps',
    perRound: 1,
    ...CHAT,
    tries: [
      {
        deployment: 'gpt-5.1',
        wire: [RATE_LIMITED, OVERLOADED, { reply: prose(28, 900) }],
        manner: { maxRetries: 2 },
      },
    ],
  },
  {
    name: 'sdk-retry-does-not-help',
    perRound: 1,
    ...RESEARCH,
    tries: [{ deployment: 'deepseek-reasoner', wire: [OVERLOADED, OVERLOADED, OVERLOADED], manner: { maxRetries: 2 } }],
  },
  {
    name: 'retry-helps',
    perRound: 1,
    ...RESEARCH,
    tries: [
      { deployment: 'deepseek-reasoner', wire: reset(thoughts(12, 20), { afterChunks: 1 }) },
      { deployment: 'deepseek-reasoner', wire: { reply: thoughts(12, 20) } },
    ],
  },
  {
    name: 'retry-does-not-help',
    perRound: 1,
    ...RESEARCH,
    tries: [
      { deployment: 'deepseek-reasoner', wire: errorInStream('overloaded') },
      { deployment: 'deepseek-reasoner', wire: errorInStream('server_error') },
    ],
  },
  {
    name: 'fallback-helps',
    perRound: 1,
    ...CHAT,
    tries: [
      { deployment: 'gpt-5.1', wire: RATE_LIMITED },
      { deployment: 'llama-4-maverick', wire: { reply: prose(45, 900) } },
    ],
  },
  {
    name: 'fallback-does-not-help',
    perRound: 1,
    ...AGENT,
    tries: [
      { deployment: 'mistral-large', wire: OVERLOADED },
      { deployment: 'deepseek-reasoner', wire: OVERLOADED },
    ],
  },

  // What fails, by how far it got.
  { name: 'refused', perRound: 1, ...RESEARCH, tries: [{ deployment: 'deepseek-reasoner', wire: 'refused' }] },
  {
    name: 'template-throws',
    perRound: 1,
    ...AGENT,
    tries: [{ deployment: 'mistral-large', wire: 'none', manner: { early: 'throws' } }],
  },
  {
    name: 'queue-is-full',
    perRound: 1,
    ...RESEARCH,
    tries: [{ deployment: 'deepseek-reasoner', wire: 'none', manner: { early: 'told' } }],
  },
  {
    name: 'wrong-key',
    perRound: 1,
    ...SUMMARY,
    tries: [{ deployment: 'gpt-5-mini', wire: { reply: httpError(401, { code: 'invalid_api_key' }) } }],
  },
  {
    name: 'too-long',
    perRound: 1,
    ...CHAT,
    tries: [{ deployment: 'gpt-5.1', wire: { reply: httpError(400, { code: 'context_length_exceeded' }) } }],
  },
  {
    name: 'first-token-budget',
    perRound: 1,
    ...SUPPORT,
    tries: [
      {
        deployment: 'llama-4-maverick',
        wire: { reply: prose(45, 1_300), faults: [{ type: 'hang', afterChunks: 1, maxMs: 10_000 }] },
        manner: { budgets: { firstTokenMs: 900 } },
      },
    ],
  },
  {
    name: 'reset-in-text',
    perRound: 1,
    ...RESEARCH,
    tries: [{ deployment: 'deepseek-reasoner', wire: reset(thoughts(12, 20), { afterChunks: 18 }) }],
  },
  {
    name: 'silent-truncation',
    perRound: 1,
    ...RESEARCH,
    tries: [
      {
        deployment: 'deepseek-reasoner',
        wire: { reply: thoughts(12, 20), faults: [{ type: 'silent_end', afterChunks: 24 }] },
      },
    ],
  },
  {
    name: 'malformed-chunk',
    perRound: 1,
    ...RESEARCH,
    tries: [
      {
        deployment: 'deepseek-reasoner',
        wire: { reply: thoughts(12, 20), faults: [{ type: 'malformed_chunk', afterChunks: 20 }] },
      },
    ],
  },
  {
    name: 'idle-budget',
    perRound: 1,
    ...RESEARCH,
    tries: [
      {
        deployment: 'deepseek-reasoner',
        wire: { reply: thoughts(12, 20), faults: [{ type: 'hang', afterChunks: 8, maxMs: 10_000 }] },
        manner: { budgets: { idleMs: 1_500 } },
      },
    ],
  },
  {
    name: 'total-budget',
    perRound: 1,
    ...RESEARCH,
    tries: [
      {
        deployment: 'deepseek-reasoner',
        wire: { reply: thoughts(40, 60) },
        manner: { budgets: { totalMs: 2_500 } },
      },
    ],
  },
  {
    name: 'goes-idle',
    perRound: 1,
    ...RESEARCH,
    tries: [
      {
        deployment: 'deepseek-reasoner',
        wire: { reply: thoughts(12, 20), faults: [{ type: 'hang', afterChunks: 6, maxMs: 60_000 }] },
        manner: { losesPatience: true },
      },
    ],
  },
  {
    name: 'cut-tool-call',
    perRound: 1,
    ...AGENT,
    tries: [
      { deployment: 'mistral-large', wire: { reply: booking(), faults: [{ type: 'silent_end', afterChunks: 5 }] } },
    ],
  },
  {
    name: 'reset-after-finish',
    perRound: 1,
    ...RESEARCH,
    tries: [{ deployment: 'deepseek-reasoner', wire: reset(thoughts(12, 20), { after: 'finish' }) }],
  },
  {
    name: 'not-stored',
    perRound: 1,
    ...AGENT,
    tries: [{ deployment: 'mistral-large', wire: { reply: booking() }, manner: { afterwards: 'not_stored' } }],
  },
  {
    name: 'read-unseen',
    perRound: 1,
    ...SUPPORT,
    tries: [{ deployment: 'llama-4-maverick', wire: { reply: prose(45, 1_300) }, manner: { through: 'own_reader' } }],
  },

  // Who leaves: nobody's failure.
  {
    name: 'user-breaks-off',
    perRound: 3,
    ...CHAT,
    tries: [{ deployment: 'gpt-5.1', wire: stays(28), manner: { leaves: { by: 'break', afterChunks: 9 } } }],
  },
  {
    name: 'user-aborts',
    perRound: 2,
    ...SUMMARY,
    tries: [{ deployment: 'gpt-5-mini', wire: stays(18), manner: { leaves: { by: 'abort', afterChunks: 6 } } }],
  },
  {
    name: 'page-throws',
    perRound: 1,
    ...CHAT,
    tries: [{ deployment: 'gpt-5.1', wire: stays(28), manner: { leaves: { by: 'throw', afterChunks: 4 } } }],
  },
  {
    name: 'client-left',
    perRound: 1,
    ...AGENT,
    tries: [{ deployment: 'mistral-large', wire: { reply: booking() }, manner: { afterwards: 'client_left' } }],
  },
];

function prose(words: number, promptTokens: number, cachedTokens = 0, options: ChatOptions = {}) {
  return chatText(pieces(words), { usage: usage(promptTokens, words, { cachedTokens }), ...options });
}

function thoughts(thinking: number, words: number) {
  const script: ChatPiece[] = [
    ...pieces(thinking).map((text): ChatPiece => ({ type: 'reasoning', text })),
    ...pieces(words).map((text): ChatPiece => ({ type: 'text', text })),
  ];
  return chatPieces(script, { usage: usage(2_000, thinking + words, { reasoningTokens: thinking }) });
}

function booking() {
  return chatToolCalls([BOOKING], { usage: usage(1_700, 24) });
}

function pieces(count: number): string[] {
  return Array.from({ length: count }, (_, index) => ` word${index}`);
}

function usage(
  promptTokens: number,
  completionTokens: number,
  details: { readonly cachedTokens?: number; readonly reasoningTokens?: number } = {},
): ChatUsage {
  return {
    prompt_tokens: promptTokens,
    completion_tokens: completionTokens,
    total_tokens: promptTokens + completionTokens,
    prompt_tokens_details: { cached_tokens: details.cachedTokens ?? 0 },
    completion_tokens_details: { reasoning_tokens: details.reasoningTokens ?? 0 },
  };
}

function reset(reply: Scenario['reply'], place: { readonly afterChunks: number } | { readonly after: 'finish' }) {
  return { reply, faults: [{ type: 'reset', ...place, pauseMs: RESET_PAUSE_MS }] } as const;
}

function errorInStream(code: string) {
  return { reply: thoughts(12, 20), faults: [{ type: 'in_band_error', afterChunks: 15, error: { code } }] } as const;
}

/** An answer that waits for whoever is about to leave it. */
function stays(words: number) {
  return { reply: prose(words, 900), hold: { afterChunks: 10, until: 'client_gone', maxMs: 5_000 } } as const;
}
