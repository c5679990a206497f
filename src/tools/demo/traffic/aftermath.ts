/**
 * What the application says of an answer when it is there: whether tools were executed, whether it was stored, who got it.
 */
import { type HeldCall, holdCall } from '../../../index.js';
import type { Manner } from './messages.js';

/** What of a chunk names a tool call. */
interface Chunk {
  readonly choices: readonly { readonly delta: { readonly tool_calls?: readonly { readonly id?: string }[] } }[];
}

export class Aftermath {
  readonly #kind: Manner['afterwards'];
  readonly #held: HeldCall | undefined;
  readonly #toolCallIds: string[] = [];

  constructor(stream: unknown, kind: Manner['afterwards']) {
    this.#kind = kind;
    // Before the stream ends: afterwards its span is written.
    this.#held = kind && holdCall(stream);
  }

  chunk({ choices }: Chunk): void {
    if (this.#held === undefined) return;
    const ids = choices.flatMap(({ delta }) => (delta.tool_calls ?? []).flatMap(({ id }) => id ?? []));
    this.#toolCallIds.push(...ids);
  }

  tell(): void {
    if (this.#kind === undefined || this.#held === undefined) return;
    const { executes, persistence, delivery } = SAID[this.#kind];
    for (const id of this.#toolCallIds) {
      this.#held.toolValidated(id, true);
      if (executes) this.#held.toolExecuted(id, true);
    }
    this.#held.processing('ok');
    this.#held.persistence(persistence);
    this.#held.delivery(delivery);
    this.#held.release();
  }
}

interface Said {
  readonly executes: boolean;
  readonly persistence: 'ok' | 'failed';
  readonly delivery: 'ok' | 'client_left';
}

const SAID: Readonly<Record<NonNullable<Manner['afterwards']>, Said>> = {
  tools_executed: { executes: true, persistence: 'ok', delivery: 'ok' },
  not_stored: { executes: true, persistence: 'failed', delivery: 'ok' },
  client_left: { executes: false, persistence: 'ok', delivery: 'client_left' },
};
