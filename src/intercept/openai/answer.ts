/** What the SDK made of a response: `parse` of an APIPromise, which everything but `asResponse` goes through. */
import { guard } from '../../guard.js';
import { callOfPromise, type EnteredCall, isObject } from './joining.js';
import { isStream, tapStream } from './stream.js';

type Parse = (this: unknown, ...args: unknown[]) => unknown;

/** Wraps `APIPromise.prototype.parse`. Nothing is parsed that the application does not ask for. */
export function observeParse(original: Parse): Parse {
  return function parse(this: unknown, ...args) {
    const parsed: unknown = Reflect.apply(original, this, args);
    guard('parse', () => {
      const call = isObject(this) ? callOfPromise(this['responsePromise']) : undefined;
      if (call !== undefined && parsed instanceof Promise) observe(call, parsed);
    });
    return parsed;
  };
}

/** One promise serves every `then`, and is told of once. */
const observed = new WeakSet<object>();

function observe(call: EnteredCall, parsed: Promise<unknown>): void {
  if (observed.has(parsed)) return;
  observed.add(parsed);
  call.hooks.parsing();
  // The application gets what it derives from this promise, with rejections of its own: none is hidden.
  parsed.then(
    (answer: unknown) => guard('answer', () => answered(call, answer)),
    (error: unknown) => guard('parse failed', () => call.hooks.parseFailed(error)),
  );
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
