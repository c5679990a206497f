/** The ES module build of the openai in this folder, for importers outside of it. */
export { AzureOpenAI, OpenAI } from 'openai';
