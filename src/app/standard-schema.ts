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
    const result = await schema['~standard'].validate(value);
    return isResult(result) ? result : issue('the schema gave no result');
  } catch (error) {
    return issue(`the schema threw ${error instanceof Error ? error.constructor.name : typeof error}`);
  }
}

/** A library's code is not checked by our types. */
function isResult(result: unknown): boolean {
  if (typeof result !== 'object' || result === null) return false;
  return Array.isArray(Reflect.get(result, 'issues')) || 'value' in result;
}

/** What a tool's arguments are where nobody could validate them: not valid. */
export function issue(message: string): ToolValidation<never> {
  return { issues: [{ message }] };
}
