/**
 * Shadows one Response: reports it, hands its body to `body.ts`, and follows `clone()`, whose copy is the same answer
 * once more. The Response stays the one the platform made.
 */
import { guard } from '../guard.js';
import { processState } from '../process-state.js';
import { branchOf, canTapBody, tapBody, tapParts } from './body.js';
import { BodyGroup, type Branch } from './branches.js';
import type { AttemptHooks, ResponseFacts } from './call-hooks.js';
import { callInherited, hiddenProperties } from './property.js';

/**
 * Tells `attempt` of a response and observes its body.
 *
 * @returns the observed body; undefined where nobody wants it or there is none to see
 */
export function tapResponse(response: unknown, attempt: AttemptHooks): BodyGroup | undefined {
  if (!isResponse(response)) {
    // What a mock may give. There is no status to tell, and nothing else will come.
    guard('rejected', () => attempt.rejected(undefined));
    return undefined;
  }
  const body = guard('body', () => observableBody(response));
  const kind = body !== undefined ? 'visible' : guard('body', () => (response.body === null ? 'none' : 'hidden'));
  const hooks = guard('responded', () => attempt.responded(factsOf(response, kind ?? 'hidden')));
  if (hooks === undefined || body === undefined) return undefined;
  const group = new BodyGroup(hooks);
  guard('tap', () => {
    tapBody(body, group.addBranch(body));
    followClones(response);
  });
  return group;
}

/** The part of a Response that is read: a look-alike of node-fetch or a mock has it too. */
interface ResponseLike {
  readonly status: number;
  readonly body?: unknown;
  readonly bodyUsed?: unknown;
  readonly headers?: { get?(name: string): unknown } | null | undefined;
}

function isResponse(value: unknown): value is ResponseLike {
  return typeof value === 'object' && value !== null && 'status' in value && typeof value.status === 'number';
}

function factsOf(response: ResponseLike, body: ResponseFacts['body']): ResponseFacts {
  const { status, headers } = response;
  return {
    response,
    status,
    body,
    header(name) {
      const value = guard('header', () => headers?.get?.(name));
      return typeof value === 'string' ? value : undefined;
    },
  };
}

function observableBody(response: ResponseLike): ReadableStream | undefined {
  if (processState().shadowed.has(response) || response.bodyUsed === true) return undefined;
  const { body } = response;
  return canTapBody(body) ? body : undefined;
}

const CLONE = {
  clone(this: object, ...args: unknown[]): unknown {
    const home = clonable.get(this);
    const before = home && guard('clone', () => branchOf(Reflect.get(this, 'body')));
    const copy = callInherited(home ?? Response.prototype, this, 'clone', args);
    if (before !== undefined) guard('clone', () => tapCopy(this, copy, before));
    return copy;
  },
};

const HIDDEN_CLONE = hiddenProperties(CLONE);

/** Responses whose `clone` is ours, and the prototype that has theirs. */
const clonable = new WeakMap<object, object>();

function followClones(response: object): void {
  processState().shadowed.add(response);
  const home: unknown = Reflect.getPrototypeOf(response);
  // Somebody else's own `clone` stays: its copies are seen as far as `tee` shows them.
  if (typeof home !== 'object' || home === null) return;
  if (Reflect.get(response, 'clone') !== Reflect.get(home, 'clone')) return;
  Object.defineProperties(response, HIDDEN_CLONE);
  clonable.set(response, home);
}

function tapCopy(original: object, copy: unknown, before: Branch): void {
  if (typeof copy !== 'object' || copy === null) return;
  // The same answer once more.
  const { calls } = processState();
  if (calls.has(original)) calls.set(copy, calls.get(original));
  // Node 20–24 clone through the shadowed `tee`, which has tapped both by now; Node 26 divides the body inside.
  const parts = [Reflect.get(original, 'body'), Reflect.get(copy, 'body')];
  if (!parts.some(branchOf)) tapParts(before, parts);
  followClones(copy);
}
