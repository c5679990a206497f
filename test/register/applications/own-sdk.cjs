// The same in CommonJS.
const { NodeSDK } = require('@opentelemetry/sdk-node');
const OpenAI = require('openai');
const { ask } = require('./ask.cjs');
const { spanProcessors } = require('./print-spans.cjs');

new NodeSDK({ spanProcessors }).start();
ask(OpenAI);
