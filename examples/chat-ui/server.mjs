// A chat for the browser: the page, and the answers to its questions.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { answer } from './answer.mjs';
import { openPage } from './open-page.mjs';

const file = (name, type) => ({ type, body: readFileSync(new URL(`page/${name}`, import.meta.url)) });
const FILES = new Map([
  ['/', file('index.html', 'text/html; charset=utf-8')],
  ['/page.js', file('page.js', 'text/javascript; charset=utf-8')],
  ['/endings.js', file('endings.js', 'text/javascript; charset=utf-8')],
  ['/style.css', file('style.css', 'text/css; charset=utf-8')],
]);

// What a model writes is somebody else's text: should it ever become markup, it can load and run nothing.
const SAFE = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; " +
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
};
const LARGEST_BODY = 64 * 1024;

const server = createServer((request, response) => {
  for (const [name, value] of Object.entries(SAFE)) response.setHeader(name, value);
  serve(request, response).catch((error) => {
    console.error(error);
    response.destroy(); // half an answer must not look like a whole one
  });
});

async function serve(request, response) {
  const { pathname } = new URL(request.url, 'http://localhost');
  const { method } = request;
  const served = FILES.get(pathname);
  if (served && method === 'GET') {
    response.writeHead(200, { 'content-type': served.type, 'cache-control': 'no-cache' }).end(served.body);
  } else if (pathname === '/chat' && method === 'POST') {
    const asked = await readQuestion(request);
    if (asked === undefined) response.writeHead(400).end();
    else await answer(asked, openPage(response));
  } else {
    response.writeHead(404).end();
  }
}

/** Undefined: it is none. Another site's page cannot send JSON here without being asked first, which nothing answers. */
async function readQuestion(request) {
  if (request.headers['content-type'] !== 'application/json') return undefined;
  const parts = [];
  let size = 0;
  for await (const part of request) {
    size += part.length;
    if (size > LARGEST_BODY) return undefined;
    parts.push(part);
  }
  try {
    const { question, conversation, retryAttempt } = JSON.parse(Buffer.concat(parts).toString());
    if (typeof question !== 'string' || question.trim() === '') return undefined;
    return {
      question,
      ...(typeof conversation === 'string' && { conversation }),
      ...(Number.isSafeInteger(retryAttempt) && { retryAttempt }),
    };
  } catch {
    return undefined;
  }
}

server.listen(Number(process.env.PORT ?? 3000), '127.0.0.1', () => {
  console.log(`listening on http://127.0.0.1:${server.address().port}`);
});

// Answers that are under way are finished, within reason; `register` sends the spans of them as they end.
process.on('SIGTERM', () => {
  server.close();
  setTimeout(() => server.closeAllConnections(), 10_000).unref();
});
