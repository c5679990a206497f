// The same in CommonJS.
const OpenAI = require('openai');
const { instrumentOpenAI } = require('opentelemetry-instrumentation-llm-stream');
const { ask } = require('./ask.cjs');

instrumentOpenAI(OpenAI);
ask(OpenAI, process.argv[2]);
