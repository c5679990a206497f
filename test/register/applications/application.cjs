// The same in CommonJS.
const OpenAI = require('openai');
const { ask } = require('./ask.cjs');

ask(OpenAI);
