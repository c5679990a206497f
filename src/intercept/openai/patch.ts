/**
 * Patches the OpenAI SDK, versions 4 to 7, where each request comes by: `request` on the prototype that owns it, the
 * steps it takes (`makeRequest`, `buildRequest`, `fetchWithTimeout`), and `parse` of the APIPromise it gives. Never an
 * instance, never `create`: subclasses, `withOptions` and every resource go through these.
 *
 * Not referenced by anything that lives as long as a call: client, APIPromise, stream.
 */
import { guard } from '../../guard.js';
import { currentFrames, processState } from '../../process-state.js';
import type { CallHooks, SdkCallHooks, SdkHooks } from '../call-hooks.js';
import { wrapFetch } from '../fetch.js';
import { type Replacement, replaceProperty } from '../property.js';
import { readRequest } from '../request-facts.js';
import { observeAsResponse, observeParse } from './answer.js';
import { derive } from './derived.js';
import { callOfOptions, type EnteredCall, isObject, noteOptions, notePromise, noteRequest } from './joining.js';

type Method = (this: unknown, ...args: unknown[]) => unknown;

/** A patched copy of the SDK. */
export interface OpenAIPatch {
  /** Puts every method back; where somebody wrapped one since, ours becomes a pass-through. */
  unpatch(): void;
}

/**
 * Patches the copy of the SDK that `target` belongs to: its exports, the class, a subclass, or a client.
 *
 * @returns undefined, with nothing changed, where it is none (of a version) we know; a copy that is patched already
 * stays as it is, and `unpatch` does nothing to it
 */
export function patchOpenAI(target: unknown, hooks: CallHooks & SdkHooks): OpenAIPatch | undefined {
  const prototype = prototypeOf(target);
  const owners = prototype && METHODS.map((name) => ownerOf(prototype, name));
  if (owners === undefined || !owners.every(isObject)) return undefined;
  const [home] = owners;
  if (home === undefined) return undefined;
  const patch = new Patch(hooks);
  patch.put(
    home,
    METHODS.map((name, index) => ({ owner: owners[index] ?? home, name, wrap: (...args) => patch[name](...args) })),
  );
  return { unpatch: () => patch.restore() };
}

/** Where a method of ours goes. */
interface Place {
  readonly owner: object;
  readonly name: string;
  readonly wrap: (original: Method, isActive: () => boolean) => Method;
}

const METHODS = ['request', 'makeRequest', 'buildRequest', 'fetchWithTimeout'] as const;

/** The call whose `request` runs right now, synchronously, until its promise is made. */
let entering: EnteredCall | undefined;

class Patch {
  readonly #hooks: CallHooks & SdkHooks;
  readonly #replacements: Replacement[] = [];
  readonly #homes: object[] = [];
  #knowsPromise = false;

  constructor(hooks: CallHooks & SdkHooks) {
    this.#hooks = hooks;
  }

  /** Puts ours over methods, all of them or none, unless those of `home` are ours already, or those of another copy of us. */
  put(home: object, places: readonly Place[]): void {
    const { shadowed } = processState();
    if (shadowed.has(home)) return;
    this.#replacements.push(...replaceAll(places));
    this.#homes.push(home);
    shadowed.add(home);
  }

  restore(): void {
    const { shadowed } = processState();
    for (const replacement of this.#replacements) replacement.restore();
    for (const home of this.#homes) shadowed.delete(home);
  }

  request(original: Method, isActive: () => boolean): Method {
    const enter = (client: unknown) => this.#enter(client);
    const learn = (promise: unknown) => this.#learn(promise);
    return function request(this: unknown, ...args) {
      const call = guard('request', () => (isActive() ? enter(this) : undefined));
      const noted = call && guard('options', () => noteArguments(call, args));
      const outer = entering;
      entering = call;
      let promise: unknown;
      try {
        promise = Reflect.apply(original, this, noted ?? args);
      } finally {
        entering = outer;
      }
      if (call) {
        guard('promise', () => {
          learn(promise);
          if (isObject(promise)) notePromise(call, promise['responsePromise']);
        });
      }
      return promise;
    };
  }

  makeRequest(original: Method, isActive: () => boolean): Method {
    return function makeRequest(this: unknown, ...args) {
      const call = guard('makeRequest', () => entering ?? callOfOptions(args[0]));
      entering = undefined;
      if (call === undefined) guard('makeRequest', () => isActive() && letListPass());
      const promise: unknown = Reflect.apply(original, this, args);
      // Retries come through here, too; the first promise is the one that everybody waits for.
      if (call === undefined || call.isFollowed || !(promise instanceof Promise)) return promise;
      return guard('follow', () => follow(call, promise)) ?? promise;
    };
  }

  buildRequest(original: Method): Method {
    return function buildRequest(this: unknown, ...args) {
      const call = guard('buildRequest', () => callOfOptions(args[0]));
      if (call) call.isPrepared = true;
      const built: unknown = Reflect.apply(original, this, args);
      if (call === undefined) return built;
      // openai 4 builds at once; of the others' promise a derived one is awaited, or stacks would lose their frames.
      const note = (request: unknown) => noteBuilt(call, request);
      if (built instanceof Promise) return guard('built', () => derive(built, 'built', note)) ?? built;
      guard('built', () => note(built));
      return built;
    };
  }

  fetchWithTimeout(original: Method, isActive: () => boolean): Method {
    return wrapFetch(original, { begin: () => undefined, unannounced() {} }, isActive);
  }

  #enter(client: unknown): EnteredCall | undefined {
    const hooks = this.#hooks.enter();
    if (hooks === undefined) return undefined;
    const baseURL = isObject(client) && typeof client['baseURL'] === 'string' ? client['baseURL'] : '';
    return { hooks, baseURL, isFollowed: false, isPrepared: false, planned: undefined };
  }

  /** The class of the promise is not exported everywhere; its first instance shows it. */
  #learn(promise: unknown): void {
    if (this.#knowsPromise || !isObject(promise)) return;
    const owner = ownerOf(promise, 'parse');
    if (owner === undefined || owner === promise) return;
    this.put(owner, [
      { owner, name: 'parse', wrap: observeParse },
      { owner, name: 'asResponse', wrap: observeAsResponse },
    ]);
    this.#knowsPromise = true;
  }
}

/** Half of them would stay for good: nobody had what takes them away. */
function replaceAll(places: readonly Place[]): readonly Replacement[] {
  const done: Replacement[] = [];
  try {
    for (const { owner, name, wrap } of places) {
      const replacement = replaceProperty(owner, name, (original, isActive) => {
        return typeof original === 'function' ? named(original, wrap(original as Method, isActive)) : original;
      });
      if (replacement) done.push(replacement);
    }
    return done;
  } catch (error) {
    for (const replacement of done) replacement.restore();
    throw error;
  }
}

/** Responses whose bodies nobody sees. */
const unseen = new FinalizationRegistry<SdkCallHooks>((call) => guard('unseen', () => call.collected()));

/** The arguments of `request`, whose options may be a promise: then they are noted before the SDK gets them. */
function noteArguments(call: EnteredCall, [options, ...rest]: readonly unknown[]): readonly unknown[] | undefined {
  if (options instanceof Promise) return [derive(options, 'options', (given) => noteOptions(call, given)), ...rest];
  noteOptions(call, options);
  return undefined;
}

function follow(call: EnteredCall, promise: Promise<unknown>): Promise<unknown> {
  call.isFollowed = true;
  return derive(
    promise,
    'response',
    (props) => {
      const response = isObject(props) ? props['response'] : undefined;
      if (isObject(response) && call.hooks.responded(response)) unseen.register(response, call.hooks);
    },
    (error) => call.hooks.failed(error, call.planned && { ...call.planned, prepared: call.isPrepared }),
  );
}

/** Lists of the SDK come by no method before this one. What they ask for is no call, and may fail in a context as one does. */
function letListPass(): void {
  for (const frame of currentFrames()) frame.passed();
}

function noteBuilt(call: EnteredCall, built: unknown): void {
  if (!isObject(built) || !isObject(built['req'])) return;
  const { req, url } = built;
  noteRequest(call, req);
  const facts = readRequest([url, req]);
  if (facts) call.hooks.built(facts);
}

/** Name and `length` as before; a method has no other property of its own. */
function named(original: object, wrapper: Method): Method {
  for (const key of ['name', 'length']) {
    const found = Object.getOwnPropertyDescriptor(original, key);
    if (found) Object.defineProperty(wrapper, key, found);
  }
  return wrapper;
}

/** Of a module, its class; of a class, what its instances inherit from; of a client, its own. */
function prototypeOf(target: unknown): object | undefined {
  for (const candidate of candidatesOf(target)) {
    if (typeof candidate === 'function' && isObject(candidate.prototype) && ownerOf(candidate.prototype, 'request')) {
      return candidate.prototype;
    }
  }
  const ofClient = isObject(target) ? Reflect.getPrototypeOf(target) : null;
  return ofClient && ownerOf(ofClient, 'request') ? ofClient : undefined;
}

function candidatesOf(target: unknown): readonly unknown[] {
  if ((typeof target !== 'object' && typeof target !== 'function') || target === null) return [];
  return [Reflect.get(target, 'OpenAI'), target, Reflect.get(target, 'default')];
}

/** Where along the prototypes a method is defined. */
function ownerOf(target: object, name: string): object | undefined {
  for (let at: object | null = target; at !== null; at = Reflect.getPrototypeOf(at)) {
    const found = Object.getOwnPropertyDescriptor(at, name);
    if (found) return typeof found.value === 'function' ? at : undefined;
  }
  return undefined;
}
