import { beforeAll, describe, expect, it } from 'vitest';
import { wrapFetch } from '../../src/intercept/fetch.js';
import { gist, record } from './recording.js';
import { type Server, startServer } from './transparency/server.js';

let server: Server;

beforeAll(async () => {
  server = await startServer();
});

async function observed(path: string, signal?: AbortSignal) {
  const { hooks, attempts } = record();
  const response = await wrapFetch(fetch, hooks)(server.origin + path, signal ? { signal } : {});
  const told = () =>
    gist(attempts[0]?.log ?? [])
      .slice(1)
      .join(', ');
  return { response, told, content: () => attempts[0]?.content };
}

describe('clone', () => {
  it('of a clone, all three read: each byte is told once', async () => {
    const { response, told, content } = await observed('/text?chunks=6');
    const second = response.clone();
    const third = second.clone();
    const texts = await Promise.all([response.text(), second.text(), third.text()]);
    expect(content()).toBe(texts[0]);
    expect(told()).toBe('waiting, bytes, ended');
  });

  it('read while the original is not: the body ended', async () => {
    const { response, told } = await observed('/text');
    await response.clone().text();
    expect(told()).toBe('waiting, bytes, ended');
  });

  it('cancelled while the original goes on: nobody has left', async () => {
    const { response, told } = await observed('/hang');
    const copy = response.clone();
    const reader = response.body?.getReader();
    await reader?.read();
    void copy.body?.cancel('copy');
    expect(told()).toBe('waiting, bytes');
    void reader?.cancel('original');
    expect(told()).toBe('waiting, bytes, left');
  });

  it('aborted: one failure', async () => {
    const controller = new AbortController();
    const { response, told } = await observed('/hang', controller.signal);
    const reading = Promise.allSettled([response.clone().text(), response.text()]);
    setTimeout(() => controller.abort(), 30);
    await reading;
    expect(told()).toBe('waiting, bytes, failed AbortError');
  });
});

it.each(['text', 'arrayBuffer', 'blob'] as const)('%s() is seen as reads', async (method) => {
  const { response, told, content } = await observed('/text');
  await response[method]();
  expect([told(), content()]).toEqual(['waiting, bytes, ended', 'chunk-0;chunk-1;chunk-2;']);
});

it('a body read by a Response made of it is seen', async () => {
  const { response, told } = await observed('/text');
  await new Response(response.body).text();
  expect(told()).toBe('waiting, bytes, ended');
});
