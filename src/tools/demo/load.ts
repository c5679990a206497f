/**
 * Loads what the demo needs and the library does not.
 */

/** Rejects with the line to type where the package is missing. */
export async function load<T>(name: string, importing: () => Promise<T>): Promise<T> {
  try {
    return await importing();
  } catch (error) {
    if (!isMissing(error)) throw error;
    throw new Error(`the demo needs \`${name}\`, which is not installed here; \`npm ci\` in the checkout installs it`, {
      cause: error,
    });
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ERR_MODULE_NOT_FOUND';
}
