// How an answer ended → what its reader is told, and whether asking again makes sense.

const FINISHED = {
  stop: { kind: 'whole', note: 'Complete.' },
  length: {
    kind: 'cut',
    note: 'Cut off here: the answer reached its length limit. Ask for the rest, or for a shorter answer.',
  },
  content_filter: { kind: 'filtered', note: 'Ended by the content filter. Ask in other words.' },
  refusal: { kind: 'filtered', note: 'The model declined to answer.' },
};

const INTERRUPTED = {
  kind: 'interrupted',
  note: 'Interrupted: the connection to the model broke.',
  partial: 'Interrupted: the connection to the model broke. What you see is a part of the answer.',
};
const TIMED_OUT = {
  kind: 'timed-out',
  note: 'The model took too long to answer.',
  partial: 'The model took too long. What you see is a part of the answer.',
};
const PROVIDER_FAILED = {
  kind: 'interrupted',
  note: 'The model failed on its side.',
  partial: 'The model failed on its side. What you see is a part of the answer.',
};

const FAILED = {
  stream_interrupted: INTERRUPTED,
  invalid_stream_chunk: INTERRUPTED,
  connect_failed: { kind: 'interrupted', note: 'The model cannot be reached.' },
  request_timeout: TIMED_OUT,
  first_token_timeout: TIMED_OUT,
  idle_timeout: TIMED_OUT,
  total_timeout: TIMED_OUT,
  server_error: PROVIDER_FAILED,
  invalid_response: PROVIDER_FAILED,
  overloaded: { kind: 'rejected', note: 'The model is overloaded.' },
  rate_limit: { kind: 'rejected', note: 'Too many questions at the moment.' },
  quota: { kind: 'rejected', note: 'The budget for answers is spent. Only who runs this chat can change that.' },
  auth: { kind: 'rejected', note: 'This chat is not allowed to ask the model. Only who runs it can change that.' },
  not_found: { kind: 'rejected', note: 'The model is not there. Only who runs this chat can change that.' },
  context_length: { kind: 'rejected', note: 'The question is too long for the model. Shorten it.' },
  invalid_request: { kind: 'rejected', note: 'The model does not take this question.' },
  content_filter: { kind: 'filtered', note: 'The content filter does not let this question pass. Ask in other words.' },
  processing_failed: { kind: 'cut', note: 'The model had nothing to say. Ask in other words.' },
  persistence_failed: {
    kind: 'unsaved',
    note: 'Complete, but not saved: the chat will not remember it. Copy what you need.',
  },
};

// What no server can tell: these are the page's own.
const STOPPED = { kind: 'stopped', note: 'Stopped by you.' };
const LOST = {
  kind: 'interrupted',
  note: 'The connection to this chat broke. What you see may be a part of the answer.',
};
const REFUSED = { kind: 'rejected', note: 'This chat does not take that question.' };

const UNKNOWN = { kind: 'interrupted', note: 'Something went wrong.' };

/** @param end - what the server said at the end, or `{ outcome: 'stopped' | 'lost' | 'refused' }` */
export function endingOf({ outcome, completion, errorCategory, partialOutput, retryable, retryAfterMs = 0 }) {
  const { kind, note, partial } = wordsFor(outcome, completion, errorCategory);
  return {
    kind,
    note: partialOutput && partial ? partial : note,
    // A second answer is asked for only where it may be better; and here it does no harm: a question changes nothing.
    retryAfterMs: retryable === true || outcome === 'lost' ? retryAfterMs : undefined,
  };
}

function wordsFor(outcome, completion, errorCategory) {
  switch (outcome) {
    case 'completed':
      return FINISHED[completion] ?? FINISHED.stop;
    case 'failed':
      return FAILED[errorCategory] ?? UNKNOWN;
    case 'stopped':
      return STOPPED;
    case 'lost':
      return LOST;
    case 'refused':
      return REFUSED;
    default: // `cancelled`: the server is being stopped
      return UNKNOWN;
  }
}
