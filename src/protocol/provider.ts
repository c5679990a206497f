/**
 * Host → `gen_ai.provider.name`, and whether it is Azure's. Knows hosts, no requests.
 * Names: GenAI conventions, `gen_ai.provider.name`; those without an entry there are the product's own.
 */

/** The name for an OpenAI-shaped endpoint nobody knows: the convention names the flavour, `server.address` tells the rest. */
export const DEFAULT_PROVIDER = 'openai';

/** Host endings, compared from the left of a label: `api.openai.com` ends with `openai.com`. */
const PROVIDERS: readonly (readonly [host: string, provider: string])[] = [
  ['openai.com', 'openai'],
  ['openai.azure.com', 'azure.ai.openai'],
  ['cognitiveservices.azure.com', 'azure.ai.openai'],
  ['services.ai.azure.com', 'azure.ai.inference'],
  ['models.ai.azure.com', 'azure.ai.inference'],
  ['inference.ai.azure.com', 'azure.ai.inference'],
  ['models.github.ai', 'azure.ai.inference'],
  ['anthropic.com', 'anthropic'],
  ['groq.com', 'groq'],
  ['deepseek.com', 'deepseek'],
  ['mistral.ai', 'mistral_ai'],
  ['x.ai', 'x_ai'],
  ['perplexity.ai', 'perplexity'],
  ['moonshot.ai', 'moonshot_ai'],
  ['moonshot.cn', 'moonshot_ai'],
  ['generativelanguage.googleapis.com', 'gcp.gemini'],
  ['aiplatform.googleapis.com', 'gcp.vertex_ai'],
  ['cohere.com', 'cohere'],
  ['cohere.ai', 'cohere'],
  ['ml.cloud.ibm.com', 'ibm.watsonx.ai'],
  ['openrouter.ai', 'openrouter'],
  ['together.xyz', 'together_ai'],
  ['together.ai', 'together_ai'],
  ['fireworks.ai', 'fireworks_ai'],
  ['cerebras.ai', 'cerebras'],
  ['sambanova.ai', 'sambanova'],
  ['deepinfra.com', 'deepinfra'],
  ['router.huggingface.co', 'hugging_face'],
  ['integrate.api.nvidia.com', 'nvidia'],
];

/** Vertex and Bedrock have a host per region. */
const PROVIDER_PATTERNS: readonly (readonly [host: RegExp, provider: string])[] = [
  [/^[\w-]+-aiplatform\.googleapis\.com$/, 'gcp.vertex_ai'],
  [/^bedrock(?:-\w+)*\.[\w-]+\.amazonaws\.com$/, 'aws.bedrock'],
];

/** The provider whose host it is; undefined for hosts nobody knows, such as a gateway's. */
export function providerOf(hostname: string): string | undefined {
  const host = hostname.toLowerCase();
  for (const [ending, provider] of PROVIDERS) {
    if (host.endsWith(ending) && isLabelStart(host, host.length - ending.length)) return provider;
  }
  return PROVIDER_PATTERNS.find(([pattern]) => pattern.test(host))?.[1];
}

/** By looking, as joining a dot to each of the endings costs every call. */
function isLabelStart(host: string, at: number): boolean {
  return at === 0 || host.charAt(at - 1) === '.';
}

/** Whether a host is one of Azure's AI services. */
export function isAzureHost(hostname: string): boolean {
  const host = hostname.toLowerCase();
  return (
    host.endsWith('.azure.com') ||
    host.endsWith('.azure.us') ||
    host.endsWith('.azure.cn') ||
    host.endsWith('.azure-api.net')
  );
}
