// An application that says by hand which class is its SDK's.
import OpenAI from 'openai';
import { instrumentOpenAI } from 'opentelemetry-instrumentation-llm-stream';
import { ask } from './ask.cjs';

instrumentOpenAI(OpenAI);
await ask(OpenAI, process.argv[2]);
