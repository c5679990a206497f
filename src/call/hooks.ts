/** What `intercept/` talks to: every request that is an LLM call begins a call here. */
import { diag } from '@opentelemetry/api';
import type {
  ApplicationHooks,
  AttemptHooks,
  CallHooks,
  EarlyFailure,
  RequestFacts,
  SdkHooks,
} from '../intercept/call-hooks.js';
import { type ContextFrame, currentFrames, framesFrom } from '../process-state.js';
import type { DialectName } from '../protocol/dialects/dialect.js';
import { describeRequest, isLlmRequest } from '../protocol/request.js';
import { Attempt } from './attempt.js';
import { Call, type CallOptions } from './call.js';
import { SdkCall } from './sdk-call.js';
import { isIgnored, letPassIfAsking } from './unobserved.js';

/** Once per process, whoever is registered. */
let warned = false;

/** `options` is asked at each call, so that a changed configuration holds from the next one on. */
export function createCallHooks(options: () => CallOptions): CallHooks & SdkHooks & ApplicationHooks {
  return {
    begin: (request) => begin(request, options()),
    enter: () => new SdkCall(options()),
    failedEarly: (failure, frame) => failEarly(failure, frame, options()),
    sentElsewhere: (request) => letPassIfAsking(request, options),
    unannounced({ origin, path, method, upgrades }) {
      letPassIfAsking({ method, upgrades }, options);
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
  if (described === undefined) letPassIfAsking(request, () => options);
  if (described === undefined || isIgnored(request, options)) return undefined;
  const { url, signal } = request;
  const frames = options.isWatchedOnly ? [] : currentFrames();
  return new Attempt(new Call({ described, url, signal, teller: 'body', frames, ...started }, options));
}

/** A call of which there is nothing but its failure. */
function failEarly(failure: EarlyFailure, frame: ContextFrame | undefined, options: CallOptions): void {
  const { error, startMs, operation, provider, model, stream } = failure;
  const startEpochMs = Date.now() - (performance.now() - startMs);
  const description = { startEpochMs, operation, provider, model, stream, parameters: {}, azure: false };
  const described = { dialect: UNREAD, description };
  const said = { frames: framesFrom(frame), byApplication: true };
  new Call({ described, signal: undefined, teller: 'sdk', startMs, ...said }, options).fail(error);
}

/** Nothing comes that would be read. */
const UNREAD: DialectName = 'openai-chat-completions';
