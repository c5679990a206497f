// The same in CommonJS.
const OpenAI = require('openai');
const { ask } = require('./ask.cjs');

process.stdin.resume();
ask(OpenAI, process.argv[2]);
