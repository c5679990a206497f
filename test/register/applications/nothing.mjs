// An application that makes no call.
import { createRequire } from 'node:module';

const { cache } = createRequire(import.meta.url);
const isLoaded = Object.keys(cache).some((file) => /sdk-trace|sdk-node|exporter-trace/.test(file));
const listeners = ['exit', 'beforeExit', 'SIGTERM', 'SIGINT'].map((name) => process.listenerCount(name));
console.log(`an SDK is loaded ${isLoaded}, listeners ${listeners}`);
console.log(`global provider ${globalThis[Symbol.for('opentelemetry.js.api.1')]?.trace !== undefined}`);
process.exitCode = 7;
