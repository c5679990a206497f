/** Which call an object of the application came out of: by the object itself, by its controller, by what caused it. */
import { guard } from '../guard.js';
import { type ObservedCall, processState } from '../process-state.js';

/** `several`: it came out of more than one call, such as the reason of a signal that many share. */
export type Found =
  | { readonly type: 'none' }
  | { readonly type: 'several' }
  | { readonly type: 'one'; readonly call: ObservedCall };

/**
 * The nearest one decides. Never throws, whatever the object's getters do.
 *
 * @param passesOver - objects that are taken for none of any call's
 */
export function findCall(subject: unknown, passesOver?: Pick<WeakMap<object, unknown>, 'has'>): Found {
  return guard('finding a call', () => find(subject, passesOver)) ?? NONE;
}

const NONE: Found = { type: 'none' };

/** Causes that are followed: more than any chain that somebody wrote, and an end of one that a program made. */
const MAX_CAUSES = 32;

function find(subject: unknown, passesOver: Parameters<typeof findCall>[1]): Found {
  const { calls } = processState();
  const met = new Set<object>();
  let link = subject;
  while (isObject(link) && !met.has(link) && met.size <= MAX_CAUSES) {
    met.add(link);
    for (const candidate of candidatesOf(link)) {
      if (!calls.has(candidate) || passesOver?.has(candidate)) continue;
      const call = calls.get(candidate);
      return call === undefined ? { type: 'several' } : { type: 'one', call };
    }
    link = propertyOf(link, 'cause');
  }
  return NONE;
}

/** The branches of an SDK's `tee()` have its controller; a runner gives its controller's signal to the request. */
function candidatesOf(link: object): readonly object[] {
  const controller = propertyOf(link, 'controller');
  if (!isObject(controller)) return [link];
  const signal = propertyOf(controller, 'signal');
  return isObject(signal) ? [link, controller, signal] : [link, controller];
}

function isObject(value: unknown): value is object {
  return (typeof value === 'object' && value !== null) || typeof value === 'function';
}

/** The property of an object that is somebody's: undefined where its getter throws, or where it is a revoked proxy. */
export function propertyOf(from: object, key: string): unknown {
  try {
    return Reflect.get(from, key);
  } catch {
    return undefined;
  }
}
