/**
 * undici's global dispatcher: where an application has put one of its own – a proxy, a mock, an agent with options –
 * its requests are to go that way, and no other dispatcher may take its place.
 */
import { isDeepStrictEqual } from 'node:util';

/**
 * What the application made its global dispatcher: in words; undefined while it is undici's own. Whose `fetch` it is
 * for nobody can tell, so any of the two that there are counts: one for the built-in `fetch` of Node 26 and for undici
 * 8, one for what came before; undici 7 sets both.
 */
export function foreignDispatcher(): string | undefined {
  const current = globalAt(SINCE_8);
  const legacy = globalAt(BEFORE_8);
  // A view of the other, which undici 8 puts there for older ones.
  const isView = current !== undefined && classOf(legacy) === 'Dispatcher1Wrapper';
  const foreign = [current, isView ? undefined : legacy].find((it) => it !== undefined && !isPlainAgent(it));
  if (foreign === undefined) return undefined;
  const name = classOf(foreign);
  return name === PLAIN ? 'an `Agent` with options or interceptors' : `\`${name.slice(0, 64)}\``;
}

// https://github.com/nodejs/undici/blob/v8.12.4/lib/global.js
const SINCE_8 = Symbol.for('undici.globalDispatcher.2');
const BEFORE_8 = Symbol.for('undici.globalDispatcher.1');

function globalAt(slot: symbol): object | undefined {
  const found: unknown = Reflect.get(globalThis, slot);
  return typeof found === 'object' && found !== null ? found : undefined;
}

/** Each is asked once: it is so for every request. */
function isPlainAgent(dispatcher: object): boolean {
  const known = plain.get(dispatcher);
  if (known !== undefined) return known;
  const found = isLikeNew(dispatcher);
  plain.set(dispatcher, found);
  return found;
}

const plain = new WeakMap<object, boolean>();

/**
 * Whether it is what `new Agent()` gives. Read from what undici 6, 7 and 8, and the ones in Node 20 to 26, keep under
 * symbols of their own; of a later one that keeps it elsewhere this says no, and so the error names what to do.
 */
function isLikeNew(dispatcher: object): boolean {
  try {
    const prototype: object = Object.getPrototypeOf(dispatcher);
    // A subclass may have the same name.
    if (classOf(prototype) !== PLAIN || classOf(Object.getPrototypeOf(prototype)) !== 'DispatcherBase') return false;
    // `compose()` gives a Proxy, and a patch an own method.
    if (Reflect.get(dispatcher, 'dispatch') !== Reflect.get(prototype, 'dispatch')) return false;
    const fresh: object = Reflect.construct(prototype.constructor, []);
    const settings = settingsOf(dispatcher);
    return settings.length > 1 && isDeepStrictEqual(settings, settingsOf(fresh));
  } catch {
    return false;
  }
}

const PLAIN = 'Agent';

/** The options that an Agent was made with, and what it makes its pools by. */
function settingsOf(agent: object): unknown[] {
  return Object.getOwnPropertySymbols(agent)
    .filter(({ description }) => description === 'options' || description === 'factory')
    .map((symbol) => Reflect.get(agent, symbol));
}

function classOf(value: unknown): string {
  const maker: unknown = typeof value === 'object' && value !== null ? Reflect.get(value, 'constructor') : undefined;
  return typeof maker === 'function' ? maker.name : typeof value;
}
