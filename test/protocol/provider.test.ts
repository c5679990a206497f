import { expect, test } from 'vitest';
import { isAzureHost, providerOf } from '../../src/protocol/provider.js';

test.each([
  ['api.openai.com', 'openai'],
  ['eu.api.openai.com', 'openai'],
  ['API.OpenAI.com', 'openai'],
  ['acme.openai.azure.com', 'azure.ai.openai'],
  ['acme.cognitiveservices.azure.com', 'azure.ai.openai'],
  ['acme.services.ai.azure.com', 'azure.ai.inference'],
  ['api.anthropic.com', 'anthropic'],
  ['api.groq.com', 'groq'],
  ['api.deepseek.com', 'deepseek'],
  ['api.mistral.ai', 'mistral_ai'],
  ['api.x.ai', 'x_ai'],
  ['api.perplexity.ai', 'perplexity'],
  ['api.moonshot.ai', 'moonshot_ai'],
  ['generativelanguage.googleapis.com', 'gcp.gemini'],
  ['us-central1-aiplatform.googleapis.com', 'gcp.vertex_ai'],
  ['bedrock-runtime.us-east-1.amazonaws.com', 'aws.bedrock'],
  ['api.cohere.com', 'cohere'],
  ['openrouter.ai', 'openrouter'],
  ['notopenai.com', undefined],
  ['openai.com.evil.example', undefined],
  ['localhost', undefined],
  ['', undefined],
])('%s is %s', (host, provider) => {
  expect(providerOf(host)).toBe(provider);
});

test.each([
  ['acme.openai.azure.com', true],
  ['acme.azure-api.net', true],
  ['azure.com.example', false],
  ['api.openai.com', false],
])('%s is Azure: %s', (host, expected) => {
  expect(isAzureHost(host)).toBe(expected);
});
