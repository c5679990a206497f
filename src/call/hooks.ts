/** What `intercept/` talks to: every request that is an LLM call begins a call here. */
import { diag } from '@opentelemetry/api';
import type { AttemptHooks, CallHooks, RequestFacts, SdkHooks } from '../intercept/call-hooks.js';
import { describeRequest, isLlmRequest } from '../protocol/request.js';
import { Attempt } from './attempt.js';
import { Call, type CallOptions } from './call.js';
import { SdkCall } from './sdk-call.js';

/** Once per process, whoever is registered. */
let warned = false;

/** `options` is asked at each call, so that a changed configuration holds from the next one on. */
export function createCallHooks(options: () => CallOptions): CallHooks & SdkHooks {
  return {
    begin: (request) => begin(request, options()),
    enter: () => new SdkCall(options()),
    unannounced({ origin, path, method }) {
      if (warned || !isLlmRequest(origin + path, method)) return;
      warned = true;
      diag.warn(
        'opentelemetry-instrumentation-llm-stream: an LLM request reached the network without passing the patched `fetch`; ' +
          'it and others like it are not traced (said once). Was `globalThis.fetch` replaced, or does a client hold its own `fetch`?',
      );
    },
  };
}

function begin(request: RequestFacts, options: CallOptions): AttemptHooks | undefined {
  const started = { startMs: performance.now(), startEpochMs: Date.now() };
  const described = describeRequest(request, options.endpoints, started);
  if (described === undefined) return undefined;
  return new Attempt(new Call({ described, signal: request.signal, teller: 'body', ...started }, options));
}
