// An SDK whose `forceFlush` throws instead of rejecting, of whichever line it is.
const { createRequire } = require('node:module');

const fromSdk = createRequire(require.resolve('@opentelemetry/sdk-node'));
for (const name of ['@opentelemetry/sdk-trace', '@opentelemetry/sdk-trace-base']) {
  const { TracerProvider, BasicTracerProvider } = fromSdk(name);
  for (const provider of [TracerProvider, BasicTracerProvider]) {
    if (provider === undefined) continue;
    provider.prototype.forceFlush = () => {
      console.log('asked to flush');
      throw new Error('broken');
    };
  }
}
