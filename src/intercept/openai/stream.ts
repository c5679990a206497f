/**
 * Wraps the own `iterator` of one SDK stream, by which everything reads it: loops, `tee()`, `toReadableStream()`, the
 * `.stream()` helpers, openai 7's normaliser. The stream and its generators stay the SDK's own.
 */
import { guard } from '../../guard.js';
import type { LoopHooks } from '../call-hooks.js';
import { hiddenProperties } from '../property.js';
import { derive } from './derived.js';

/** The part of the SDK's `Stream` that is used. */
export interface StreamLike {
  readonly iterator: (...args: unknown[]) => unknown;
  readonly controller: { readonly signal: AbortSignal };
}

export function isStream(value: unknown): value is StreamLike {
  if (typeof value !== 'object' || value === null || !('iterator' in value) || !('controller' in value)) return false;
  const { iterator, controller } = value;
  if (typeof iterator !== 'function' || typeof controller !== 'object' || controller === null) return false;
  return 'signal' in controller && controller.signal instanceof AbortSignal;
}

/**
 * Tells `loop` what the first loop that asks for a payload gets and does; another one gets the SDK's error, and is no
 * news. `signal`, the caller's own, is kept as long as the loop: at its end its reason is asked for.
 */
export function tapStream(stream: StreamLike, loop: LoopHooks, signal: AbortSignal | undefined): void {
  const { iterator, controller } = stream;
  const found = Object.getOwnPropertyDescriptor(stream, 'iterator');
  const shared: SharedLoop = { loop, signal, abortion: controller.signal, owner: undefined };
  const wrapper = function (this: unknown, ...args: unknown[]): unknown {
    const generator: unknown = Reflect.apply(iterator, this, args);
    guard('iterator', () => {
      uniterated.unregister(shared);
      if (isGenerator(generator)) tapGenerator(generator, shared);
    });
    return generator;
  };
  for (const key of ['name', 'length']) {
    const known = Object.getOwnPropertyDescriptor(iterator, key);
    if (known) Reflect.defineProperty(wrapper, key, known);
  }
  if (!found || !Reflect.defineProperty(stream, 'iterator', { ...found, value: wrapper })) return;
  // Who keeps the Response and lets go of the stream may read the body: that is the body's to tell.
  if (loop.isOnlyWitness) uniterated.register(stream, loop, shared);
}

/** What the generators of one stream share. References none of them. */
interface SharedLoop {
  readonly loop: LoopHooks;
  readonly signal: AbortSignal | undefined;
  readonly abortion: AbortSignal;
  /** The generator that was asked first. */
  owner: WeakRef<object> | undefined;
}

/** Streams that nobody looped over, and loops that nobody went on with. */
const uniterated = new FinalizationRegistry<LoopHooks>((loop) => guard('collected', () => loop.collected()));

interface GeneratorLike {
  next(...args: unknown[]): unknown;
  return(...args: unknown[]): unknown;
  throw(...args: unknown[]): unknown;
}

function isGenerator(value: unknown): value is GeneratorLike {
  return typeof value === 'object' && value !== null && ['next', 'return', 'throw'].every((key) => key in value);
}

function tapGenerator(generator: GeneratorLike, shared: SharedLoop): void {
  const { loop } = shared;
  const { next, return: leave, throw: fail } = generator;
  const owns = (): boolean => {
    if (shared.owner === undefined) {
      shared.owner = new WeakRef(generator);
      uniterated.register(generator, loop);
    }
    return shared.owner.deref() === generator;
  };
  const waiting = (): void => loop.waiting();
  const onResult = (result: unknown): unknown => {
    guard('result', () => told(result, shared));
    return result;
  };
  const onError = (error: unknown): never => {
    guard('loop', () => loop.failed(error));
    throw error;
  };
  const onLeft = () => loop.left();
  // Once the SDK has cancelled the request: whether that reached the provider is part of the outcome.
  const leaving = (left: unknown) => (left instanceof Promise && owns() ? derive(left, 'left', onLeft, onLeft) : left);
  const methods = {
    next(value: unknown, ...rest: unknown[]): unknown {
      const isOwner = guard('owner', owns) ?? false;
      if (isOwner) guard('waiting', waiting);
      const result: unknown = Reflect.apply(next, generator, [value, ...rest]);
      // Derived by two functions for all chunks, where `derive` would make three for each.
      return isOwner && result instanceof Promise ? result.then(onResult, onError) : result;
    },
    return(value: unknown, ...rest: unknown[]): unknown {
      const left: unknown = Reflect.apply(leave, generator, [value, ...rest]);
      return guard('leaving', () => leaving(left)) ?? left;
    },
    throw(value: unknown, ...rest: unknown[]): unknown {
      const left: unknown = Reflect.apply(fail, generator, [value, ...rest]);
      return guard('leaving', () => leaving(left)) ?? left;
    },
  };
  Object.defineProperties(generator, hiddenProperties(methods));
}

function told(result: unknown, { loop, abortion, signal }: SharedLoop): void {
  if (typeof result !== 'object' || result === null) return;
  if ('done' in result && result.done === true) loop.ended({ aborted: abortion.aborted, signal });
  else if ('value' in result) loop.chunk(result.value);
}
