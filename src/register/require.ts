/** `require` from where this package is. */
import { createRequire } from 'node:module';
import { join } from 'node:path';

/** Somebody who bundles an ES module into CommonJS leaves no `import.meta.url`: then from where the application was started. */
export function ownRequire(): NodeJS.Require {
  const url: unknown = import.meta.url;
  return createRequire(typeof url === 'string' ? url : join(process.cwd(), 'package.json'));
}
