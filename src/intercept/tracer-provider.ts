/**
 * Notices that a tracer provider is about to shut down: afterwards it exports nothing any more. Knows of a provider only
 * that it has a `shutdown`, and that the global one stands before another, which it gives out with `getDelegate`.
 */
import { guard } from '../guard.js';
import { callInherited, type Replacement, replaceProperty } from './property.js';

/** What is told of providers. */
export interface ShutdownHooks {
  /** `provider` is about to shut down: its own `shutdown` is called next. */
  beforeShutdown(provider: object): void;
  /** Runs `then` as soon as nobody needs to know of `provider` any more. */
  onceUnneeded(provider: object, then: () => void): void;
}

export interface ShutdownWatch {
  /**
   * Watches the provider behind `provider`; one that is watched already stays as it is.
   *
   * @returns the one behind it, which may be another at the next call: before an SDK is started there is a placeholder
   */
  watch(provider: object): object;
  /**
   * Puts every `shutdown` back, once its provider is unneeded; where somebody wrapped it since, ours becomes a
   * pass-through. What is watched after that is watched anew.
   */
  stop(): void;
}

export function watchShutdowns(hooks: ShutdownHooks): ShutdownWatch {
  /** Undefined: it cannot be watched. */
  const patches = new WeakMap<object, Patch | undefined>();
  /** The keys of `patches`: weak, so that a provider that is dropped is dropped. */
  let watched: readonly WeakRef<object>[] = [];
  const putBack = (provider: object) => {
    patches.get(provider)?.restore();
    patches.delete(provider);
  };
  return {
    watch(provider) {
      const real = behind(provider);
      if (patches.has(real)) return real;
      const before = () => hooks.beforeShutdown(real);
      patches.set(real, patchShutdown(real, before));
      watched = [...watched.filter((reference) => reference.deref() !== undefined), new WeakRef(real)];
      return real;
    },
    stop() {
      const references = watched;
      watched = [];
      for (const reference of references) {
        const provider = reference.deref();
        if (provider !== undefined) hooks.onceUnneeded(provider, () => putBack(provider));
      }
    },
  };
}

/** A proxy before a proxy is possible, a circle is a mistake. */
const MOST_PROXIES = 8;

function behind(provider: object): object {
  let real = provider;
  for (let depth = 0; depth < MOST_PROXIES; depth += 1) {
    if (!('getDelegate' in real) || typeof real.getDelegate !== 'function') break;
    const delegate: unknown = real.getDelegate();
    if (typeof delegate !== 'object' || delegate === null || delegate === real) break;
    real = delegate;
  }
  return real;
}

type Shutdown = (this: unknown, ...args: unknown[]) => unknown;

type Patch = Pick<Replacement, 'restore'>;

function patchShutdown(provider: object, beforeShutdown: () => void): Patch | undefined {
  const wrap = (original: Shutdown, isActive: () => boolean): Shutdown =>
    function shutdown(...args) {
      guard('shutdown', () => {
        if (isActive()) beforeShutdown();
      });
      return Reflect.apply(original, this, args);
    };
  if (!Object.hasOwn(provider, 'shutdown')) return layOver(provider, wrap);
  return replaceProperty(provider, 'shutdown', (found, isActive) => {
    // What it takes and gives is the provider's affair: it is handed on.
    return typeof found === 'function' ? wrap(found as Shutdown, isActive) : found;
  });
}

/** Lays an own `shutdown` over the inherited one. */
function layOver(provider: object, wrap: (original: Shutdown, isActive: () => boolean) => Shutdown): Patch | undefined {
  const prototype = Reflect.getPrototypeOf(provider);
  if (prototype === null || typeof Reflect.get(prototype, 'shutdown') !== 'function') return undefined;
  let active = true;
  const value = wrap(
    function (...args) {
      return callInherited(prototype, this, 'shutdown', args);
    },
    () => active,
  );
  const hidden = { value, enumerable: false, writable: true, configurable: true };
  if (!Reflect.defineProperty(provider, 'shutdown', hidden)) return undefined;
  return {
    restore() {
      active = false;
      const now = Object.getOwnPropertyDescriptor(provider, 'shutdown');
      if (now?.value === value) Reflect.deleteProperty(provider, 'shutdown');
    },
  };
}
