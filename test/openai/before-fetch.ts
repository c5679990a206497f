/** Ways in which a call fails before anything is sent: each is one span, because the SDK was asked for an answer. */
import { CANARY, type SpanFacts } from '../scenarios/harness.js';
import { ask, failing, gone, TEXT, type Way } from './way.js';

const SILENT = { reply: TEXT };

const local = (category: 'invalid_request' | 'auth', errorType: string): SpanFacts => ({
  outcome: 'failed',
  failureStage: 'before_request',
  stage: 'before_request',
  termination: 'local_error',
  category,
  fault: 'application',
  retryable: false,
  chunks: 0,
  also: { 'error.type': errorType },
});

export const BEFORE_FETCH: readonly Way[] = [
  {
    name: 'a body that contains itself',
    scenario: SILENT,
    run: async ({ client, request }) => {
      const circular: Record<string, unknown> = {};
      circular['metadata'] = circular;
      const told = await failing(ask(client, Object.assign({ ...request }, circular)));
      return told.split('\n')[0];
    },
    sees: 'TypeError: Converting circular structure to JSON',
    spans: [local('invalid_request', 'TypeError')],
  },
  {
    name: 'a BigInt in the body',
    scenario: SILENT,
    run: ({ client, request }) => failing(ask(client, Object.assign({ ...request }, { seed: 1n }))),
    sees: 'TypeError: Do not know how to serialize a BigInt',
    spans: [local('invalid_request', 'TypeError')],
  },
  {
    name: 'a base URL that is none',
    scenario: SILENT,
    run: ({ clientWith, request }) => failing(ask(clientWith({ baseURL: `no ${CANARY} url` }), request)),
    sees: 'TypeError: Invalid URL',
    spans: [local('invalid_request', 'ERR_INVALID_URL')],
  },
  {
    name: 'a header that is none',
    // Version 4 leaves it to `fetch` to find out.
    majors: [5, 6, 7],
    scenario: SILENT,
    run: async ({ create }) => {
      const told = await failing(create({ headers: { 'x-note': `${CANARY}\nno` } }));
      return told.startsWith('TypeError');
    },
    sees: true,
    spans: [local('invalid_request', 'TypeError')],
  },
  {
    name: 'a function for the key that throws',
    majors: [5, 6, 7],
    scenario: SILENT,
    run: ({ clientWith, request }) => {
      const apiKey = (): Promise<string> => Promise.reject(new RangeError(`${CANARY} vault`));
      return failing(ask(clientWith({ apiKey }), request));
    },
    sees: `OpenAIError: Failed to get token from 'apiKey' function: ${CANARY} vault`,
    spans: [local('auth', 'OpenAIError')],
  },
  {
    name: 'a token provider of Azure that throws',
    scenario: SILENT,
    run: ({ sdk, provider, request }) => {
      const client = new sdk.AzureOpenAI({
        endpoint: provider.url,
        apiVersion: '2024-10-21',
        azureADTokenProvider: () => Promise.reject(new RangeError(`${CANARY} vault`)),
      });
      return failing(ask(client, request));
    },
    sees: `OpenAIError: Failed to get token from 'apiKey' function: ${CANARY} vault`,
    spans: [local('auth', 'OpenAIError')],
    by: { 4: { sees: `RangeError: ${CANARY} vault`, spans: [local('auth', 'RangeError')] } },
  },
  {
    name: 'a signal that was aborted before',
    scenario: SILENT,
    run: ({ create }) => failing(create({ signal: AbortSignal.abort() })),
    sees: 'APIUserAbortError: Request was aborted.',
    spans: [gone('before_request')],
  },
  {
    name: 'a signal whose time was up before',
    scenario: SILENT,
    run: ({ create }) => failing(create({ signal: AbortSignal.abort(new DOMException('late', 'TimeoutError')) })),
    sees: 'APIUserAbortError: Request was aborted.',
    spans: [
      {
        outcome: 'failed',
        failureStage: 'before_request',
        stage: 'before_request',
        termination: 'timeout',
        category: 'total_timeout',
        fault: 'application',
        retryable: true,
        chunks: 0,
        also: { 'llm_stream.timeout_kind': 'total' },
      },
    ],
  },
  {
    name: 'an answer asked for whole, with a BigInt in the body',
    scenario: SILENT,
    run: ({ client, request }) =>
      failing(client.chat.completions.create(Object.assign({ ...request, stream: false as const }, { seed: 1n }))),
    sees: 'TypeError: Do not know how to serialize a BigInt',
    spans: [local('invalid_request', 'TypeError')],
  },
];
