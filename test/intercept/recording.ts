/** Hooks that write down what they are told, a line each. */
import type { AttemptHooks, BodyHooks, CallHooks, RequestFacts } from '../../src/intercept/call-hooks.js';

export interface RecordedAttempt {
  readonly request: RequestFacts;
  readonly log: string[];
  /** The bytes told, as text. */
  content: string;
}

export interface Recording {
  readonly hooks: CallHooks;
  readonly attempts: RecordedAttempt[];
  readonly unannounced: string[];
  /** Methods of requests that went by `node:http` or `node:http2`. */
  readonly elsewhere: string[];
}

export function record(wants: (request: RequestFacts) => boolean = () => true): Recording {
  const attempts: RecordedAttempt[] = [];
  const unannounced: string[] = [];
  const elsewhere: string[] = [];
  const hooks: CallHooks = {
    begin(request) {
      if (!wants(request)) return undefined;
      const attempt = { request, log: [], content: '' };
      attempts.push(attempt);
      return attemptHooks(attempt);
    },
    unannounced: ({ method, path, upgrades }) => void unannounced.push(`${method} ${path}${asked(upgrades)}`),
    sentElsewhere: ({ method, upgrades }) => void elsewhere.push(`${method}${asked(upgrades)}`),
  };
  return { hooks, attempts, unannounced, elsewhere };
}

function asked(upgrades: boolean): string {
  return upgrades ? ' upgrade' : '';
}

function attemptHooks(attempt: RecordedAttempt): AttemptHooks {
  const { log } = attempt;
  return {
    around(send) {
      log.push('around');
      return send();
    },
    rejected: (error) => void log.push(`rejected ${nameOf(error)}`),
    responded({ status, body }) {
      log.push(`responded ${status}${body === 'visible' ? '' : ` with body ${body}`}`);
      return bodyHooks(attempt);
    },
    wireStarted: () => void log.push('wireStarted'),
    wireEnded: (unobserved) => void log.push(`wireEnded${unobserved ? ' unobserved' : ''}`),
    wireFailed: (error, { unobserved, byConsumer }) =>
      void log.push(
        `wireFailed ${nameOf(error)}${unobserved ? ' unobserved' : ''}${byConsumer ? ' by the consumer' : ''}`,
      ),
  };
}

export function bodyHooks(attempt: Pick<RecordedAttempt, 'log' | 'content'>): BodyHooks {
  const { log } = attempt;
  return {
    waiting: () => void log.push('waiting'),
    bytes(view) {
      log.push('bytes');
      attempt.content += new TextDecoder().decode(view);
    },
    ended: () => void log.push('ended'),
    failed: (error) => void log.push(`failed ${nameOf(error)}`),
    left: () => void log.push('left'),
    held: () => {},
    released: () => void log.push('released'),
    collected: () => void log.push('collected'),
  };
}

function nameOf(value: unknown): string {
  return value instanceof Error ? value.name : String(value);
}

/** The log without what depends on how the packets fell. */
export function gist(log: readonly string[]): string[] {
  return log.filter((line, index) => {
    const isReading = line === 'waiting' || line === 'bytes';
    return !line.startsWith('wire') && line !== 'around' && !(isReading && log.slice(0, index).includes(line));
  });
}
