/** The chat of `examples/chat-ui`, installed from the packed package and started, and its page as a reader meets it. */
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Browser, BrowserContext, Locator, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll } from 'vitest';
import type { Example } from '../examples/run.js';
import { openScene, type Scene } from '../examples/scene.js';
import { launchChromium } from './chromium.js';

export interface Chats {
  readonly scene: Scene;
  /** Starts its server, and opens its page. */
  open(env?: Readonly<Record<string, string>>): Promise<Chat>;
}

export interface Chat {
  readonly url: string;
  readonly page: Page;
  /** Types a question, and sends it. */
  ask(question: string): Promise<void>;
  /** Waits until the answer with this index, counted from 0, shows this text. */
  shows(index: number, text: string): Promise<void>;
  /** What is there when the answer with this index has ended. */
  ended(index: number): Promise<Shown>;
  retry(index: number): Locator;
  /** Closes the page, asks the server to stop, and waits until it is gone. */
  close(): Promise<Ended>;
  /** Kills the server. */
  kill(): Promise<void>;
}

export interface Shown {
  readonly answer: string;
  readonly note: string;
  /** What the button says, with `(waits)` where it cannot be pressed; empty where there is none. */
  readonly retry: string;
}

export interface Ended {
  readonly code: unknown;
  /** What the server said on stderr, and the page on its console. */
  readonly complaints: readonly string[];
}

/** One installation and one browser for a file; what a test opens is closed after it. */
export function openChats(): Chats {
  const scene = openScene();
  let example: Example;
  let browser: Browser;
  const left: (() => Promise<unknown>)[] = [];
  beforeAll(async () => {
    browser = await launchChromium();
    example = await scene.install('chat-ui');
  });
  afterEach(async () => {
    for (const leave of left.splice(0)) await leave();
  });
  afterAll(() => browser?.close());
  return {
    scene,
    open: async (env = {}) => {
      const server = example.start('start', { ...scene.environment, PORT: '0', ...env });
      left.push(() => kill(server));
      const context = await browser.newContext();
      left.unshift(() => context.close());
      return openChat(server, context);
    },
  };
}

async function openChat(server: ChildProcess, context: BrowserContext): Promise<Chat> {
  const complaints: string[] = [];
  server.stderr?.on('data', (text) => complaints.push(String(text)));
  const url = await addressOf(server);
  context.setDefaultTimeout(60_000);
  const page = await context.newPage();
  page.on('console', (message) => complaints.push(message.text()));
  page.on('pageerror', (error) => complaints.push(String(error)));
  await page.goto(url);
  const exchange = (index: number): Locator =>
    page.getByRole('log', { name: 'Conversation' }).locator('article').nth(index);
  const retry = (index: number): Locator => exchange(index).getByRole('button');
  return {
    url,
    page,
    retry,
    ask: async (question) => {
      await page.getByLabel('Your question').fill(question);
      await page.getByRole('button', { name: 'Send' }).click();
    },
    shows: (index, text) => exchange(index).locator('.answer').filter({ hasText: text }).waitFor(),
    ended: async (index) => {
      await exchange(index).and(page.locator('[aria-busy=false]')).waitFor();
      const answer = (await exchange(index).locator('.answer').textContent()) ?? '';
      const note = (await exchange(index).locator('.note').textContent()) ?? '';
      return { answer, note, retry: await describe(retry(index)) };
    },
    close: async () => {
      await context.close();
      server.kill('SIGTERM');
      const code = server.exitCode ?? (await once(server, 'exit'))[0];
      return { code, complaints };
    },
    kill: () => kill(server),
  };
}

async function addressOf(server: ChildProcess): Promise<string> {
  if (server.stdout === null) throw new Error('it has a stdout');
  const [line] = await once(createInterface({ input: server.stdout }), 'line');
  const [, url] = /^listening on (http:\/\/127\.0\.0\.1:\d+)$/.exec(String(line)) ?? [];
  if (url === undefined) throw new Error(`the chat said ${line}`);
  return url;
}

/** By its role: a button that is hidden has none. */
async function describe(button: Locator): Promise<string> {
  if ((await button.count()) === 0) return '';
  const text = await button.textContent();
  return (await button.isDisabled()) ? `${text} (waits)` : `${text}`;
}

async function kill(server: ChildProcess): Promise<void> {
  if (server.exitCode !== null || server.signalCode !== null) return;
  const gone = once(server, 'exit');
  server.kill('SIGKILL');
  await gone;
}
