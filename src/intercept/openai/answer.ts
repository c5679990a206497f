/** What the SDK made of a response: `parse` of an APIPromise, which everything but its `asResponse` goes through. */
import { guard } from '../../guard.js';
import { derive } from './derived.js';
import { callOfPromise, type EnteredCall, isObject } from './joining.js';
import { isStream, tapStream } from './stream.js';

type Method = (this: unknown, ...args: unknown[]) => unknown;

/** Wraps `APIPromise.prototype.parse`. Nothing is parsed that the application does not ask for. */
export function observeParse(original: Method, isActive: () => boolean): Method {
  return function parse(this: unknown, ...args) {
    const parsed: unknown = Reflect.apply(original, this, args);
    return guard('parse', () => (isActive() ? observe(this, parsed) : undefined)) ?? parsed;
  };
}

/** Wraps `APIPromise.prototype.asResponse`. */
export function observeAsResponse(original: Method, isActive: () => boolean): Method {
  return function asResponse(this: unknown, ...args) {
    const response: unknown = Reflect.apply(original, this, args);
    guard('asResponse', () => {
      if (isActive()) callBehind(this)?.hooks.handedOut();
    });
    return response;
  };
}

function callBehind(promise: unknown): EnteredCall | undefined {
  return isObject(promise) ? callOfPromise(promise['responsePromise']) : undefined;
}

/** What everybody gets in place of the promise that the SDK keeps: one serves every `then`, and is told of once. */
const answers = new WeakMap<object, Promise<unknown>>();

function observe(promise: unknown, parsed: unknown): Promise<unknown> | undefined {
  const call = callBehind(promise);
  if (call === undefined || !(parsed instanceof Promise)) return undefined;
  const known = answers.get(parsed);
  if (known !== undefined) return known;
  call.hooks.parsing();
  const answer = derive(
    parsed,
    'answer',
    (value) => answered(call, value),
    (error) => call.hooks.parseFailed(error),
  );
  answers.set(parsed, answer);
  return answer;
}

function answered({ hooks, planned }: EnteredCall, answer: unknown): void {
  if (!isStream(answer)) {
    hooks.parsed(answer);
    return;
  }
  const { controller } = answer;
  const signal = planned?.signal;
  const loop = hooks.streamed({ stream: answer, controller, signal });
  if (loop) tapStream(answer, loop, signal);
}
