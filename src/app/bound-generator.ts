/**
 * A generator whose steps run in a context. The body of a generator function runs when somebody asks for a value, long
 * after the call that made the generator is over.
 */
import { types } from 'node:util';

/** What the steps of one generator run in. Neither `settled` nor `failed` throws. */
export interface StepContext {
  /** Runs a step, once, and gives back what it gave. */
  run<T>(step: () => T): T;
  /** The body returned, or was left; told once, unless `failed` is. */
  settled(): void;
  /** The body threw. */
  failed(error: unknown): void;
}

/**
 * From now on each step of `value` runs in `context`. The generator stays the same object, with its own prototype: own
 * properties that no listing shows lie over its methods, so that loops, `yield*`, iterator helpers and `using` find them.
 *
 * @returns false, with nothing changed, where `value` is no generator of the language itself – what else is iterable may
 * have begun its work, or have more than one body –, or where it takes no properties, such as a frozen one
 */
export function bindGenerator(value: unknown, context: StepContext): boolean {
  if (!isGenerator(value) || !Object.isExtensible(value)) return false;
  const step = stepperOf(value, context);
  const { next, return: leave, throw: fail } = value;
  const methods = {
    next: (sent: unknown, ...rest: unknown[]) => step(next, [sent, ...rest]),
    return: (given: unknown, ...rest: unknown[]) => step(leave, [given, ...rest]),
    throw: (error: unknown, ...rest: unknown[]) => step(fail, [error, ...rest]),
  };
  for (const [name, method] of Object.entries(methods)) {
    Object.defineProperty(value, name, { value: method, writable: true, configurable: true });
  }
  return true;
}

type Method = (...args: unknown[]) => unknown;

interface GeneratorLike {
  readonly next: Method;
  readonly return: Method;
  readonly throw: Method;
}

/** Also an async one. */
function isGenerator(value: unknown): value is GeneratorLike {
  return types.isGeneratorObject(value);
}

function stepperOf(generator: object, { run, settled, failed }: StepContext) {
  let isOver = false;
  let isRunning = false;
  const end = (tell: () => void): void => {
    if (isOver) return;
    isOver = true;
    tell();
  };
  const onResult = (result: unknown): unknown => {
    if (typeof result === 'object' && result !== null && Reflect.get(result, 'done') === true) end(settled);
    return result;
  };
  const onError = (error: unknown): never => {
    end(() => failed(error));
    throw error;
  };
  return (method: Method, args: readonly unknown[]): unknown => {
    const asksItself = isRunning;
    let result: unknown;
    isRunning = true;
    try {
      result = run(() => Reflect.apply(method, generator, args));
    } catch (error) {
      // The language refuses that: it is not the body's end.
      if (asksItself) throw error;
      return onError(error);
    } finally {
      isRunning = asksItself;
    }
    // Derived, so that a rejection nobody handles stays one.
    return result instanceof Promise ? result.then(onResult, onError) : onResult(result);
  };
}
