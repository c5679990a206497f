/**
 * Replaces one property of somebody else's object and puts it back; where somebody wrapped ours since, it stays and
 * becomes a pass-through. Also lays own properties over inherited methods, so that nobody who lists keys sees them.
 */

/** One property that is ours for now. */
export interface Replacement {
  /** False once {@link Replacement.restore} was called: whatever still reaches ours must behave as the original. */
  isActive(): boolean;
  /** The original is back although nobody asked us: somebody put there what he had kept. */
  isUndone(): boolean;
  /** Puts the original back, unless somebody replaced ours since. A second call changes nothing. */
  restore(): void;
}

/**
 * Replaces the own property `key` of `target`, keeping its flags. `wrap` gets the original and a function that says
 * whether the replacement is still wanted.
 *
 * @returns undefined, with nothing changed, where there is no own property or it may not be replaced
 */
export function replaceProperty(
  target: object,
  key: PropertyKey,
  wrap: (original: unknown, isActive: () => boolean) => unknown,
): Replacement | undefined {
  const found = Object.getOwnPropertyDescriptor(target, key);
  if (found === undefined || (!found.configurable && !found.writable)) return undefined;
  let active = true;
  const isActive = () => active;
  const replacement = replacing(target, key, found, (original) => wrap(original, isActive));
  if (!Reflect.defineProperty(target, key, replacement)) return undefined;
  return {
    isActive,
    isUndone: () => isStill(target, key, found),
    restore() {
      if (!active) return;
      active = false;
      if (isStill(target, key, replacement)) Reflect.defineProperty(target, key, found);
    },
  };
}

function replacing(
  target: object,
  key: PropertyKey,
  found: PropertyDescriptor,
  wrap: (original: unknown) => unknown,
): PropertyDescriptor {
  if (found.get === undefined) return { ...found, value: wrap(found.value) };
  const value = wrap(Reflect.apply(found.get, target, []));
  return {
    ...found,
    get: () => value,
    // Whoever assigns means to replace what was there: ours goes away with it.
    set: (next: unknown) => {
      Reflect.defineProperty(target, key, found);
      Reflect.set(target, key, next);
    },
  };
}

function isStill(target: object, key: PropertyKey, ours: PropertyDescriptor): boolean {
  const now = Object.getOwnPropertyDescriptor(target, key);
  return now !== undefined && now.value === ours.value && now.get === ours.get;
}

/** Descriptors for {@link Object.defineProperties} that shadow inherited methods: own, and in no listing of keys. */
export function hiddenProperties(methods: object): PropertyDescriptorMap {
  const hidden: PropertyDescriptorMap = {};
  for (const key of Reflect.ownKeys(methods)) {
    hidden[key] = { value: Reflect.get(methods, key), enumerable: false, writable: true, configurable: true };
  }
  return hidden;
}

/** Whether each of these methods is the prototype's own: nobody, nor we, has laid anything over it. */
export function isUntouched(target: object, prototype: object, methods: object): boolean {
  return Reflect.ownKeys(methods).every((key) => Reflect.get(target, key) === Reflect.get(prototype, key));
}

/** Calls what `prototype` has under `key` now, so that patches of the prototype, early or late, are passed through. */
export function callInherited(prototype: object, target: unknown, key: PropertyKey, args: readonly unknown[]): unknown {
  // A method of a platform class: there is a function, or the platform's own TypeError is due.
  return Reflect.apply(Reflect.get(prototype, key) as (...args: unknown[]) => unknown, target, args);
}
