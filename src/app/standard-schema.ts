/** As much of Standard Schema 1 as validates a value. https://standardschema.dev */
import { propertyOf } from './find-call.js';

/** A schema of any library that implements Standard Schema, version 1. */
export interface StandardSchema<Output = unknown> {
  readonly '~standard': {
    readonly version: 1;
    readonly vendor: string;
    validate(value: unknown): ToolValidation<Output> | Promise<ToolValidation<Output>>;
    readonly types?: { readonly input: unknown; readonly output: Output } | undefined;
  };
}

/** What a schema says of a value. */
export type ToolValidation<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly { readonly message: string }[] };

/** Whether it has what a schema has; the libraries' are objects, some of them functions. */
export function isSchema(value: unknown): value is StandardSchema {
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return false;
  const standard = propertyOf(value, '~standard');
  return typeof standard === 'object' && standard !== null && typeof propertyOf(standard, 'validate') === 'function';
}

/** Never rejects: what the schema throws is an issue. */
export async function validate<Output>(
  schema: StandardSchema<Output>,
  value: unknown,
): Promise<ToolValidation<Output>> {
  try {
    return readResult<Output>(await schema['~standard'].validate(value)) ?? issue('the schema gave no result');
  } catch (error) {
    return issue(`the schema threw ${error instanceof Error ? error.constructor.name : typeof error}`);
  }
}

/**
 * A copy of what the schema gave, each property read once: a library's code is not checked by our types, and a getter may
 * throw, or say something else the next time.
 */
function readResult<Output>(result: unknown): ToolValidation<Output> | undefined {
  if (typeof result !== 'object' || result === null) return undefined;
  const issues: unknown = Reflect.get(result, 'issues') ?? undefined;
  if (Array.isArray(issues)) return { issues };
  // The schema says what it gives.
  return issues === undefined && 'value' in result ? { value: result.value as Output } : undefined;
}

/** What a tool's arguments are where nobody could validate them: not valid. */
export function issue(message: string): ToolValidation<never> {
  return { issues: [{ message }] };
}
