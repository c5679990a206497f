// The page: asks, shows the text as it comes, says how it ended, and offers to ask again where that makes sense.
import { endingOf } from './endings.js';

const form = document.querySelector('#ask');
const question = form.elements.namedItem('question');
const send = document.querySelector('#send');
const stop = document.querySelector('#stop');
const conversation = document.querySelector('#conversation');
const template = document.querySelector('#exchange');

/** Of the answer under way; there is one at most. */
let leaving;
/** The server's name for what was said so far. */
let conversationId;

form.addEventListener('submit', (event) => {
  event.preventDefault();
  const text = question.value.trim();
  if (text === '' || leaving) return;
  question.value = '';
  exchange(text, 0);
});
question.addEventListener('keydown', (event) => {
  if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  form.requestSubmit();
});
stop.addEventListener('click', () => leaving?.abort());

async function exchange(text, retryAttempt) {
  // Those of answers further up: what they ask would come out of order.
  for (const retry of conversation.querySelectorAll('.retry')) retry.remove();
  const shown = addExchange(text);
  const controller = new AbortController();
  setLeaving(controller);
  const end = await read({ question: text, conversation: conversationId, retryAttempt }, controller.signal, (piece) =>
    following(() => shown.answer.append(piece)),
  );
  setLeaving(undefined);
  conversationId = end.conversation ?? conversationId;
  following(() => finish(shown, end, () => exchange(text, retryAttempt + 1)));
}

/** Stays at the end of the conversation, unless its reader has scrolled up. */
function following(change) {
  const { scrollHeight, scrollTop, clientHeight } = conversation;
  const isAtEnd = scrollHeight - scrollTop - clientHeight < 48;
  change();
  if (isAtEnd) conversation.scrollTop = conversation.scrollHeight;
}

/** Gives what the server said at the end, or in its stead what happened. */
async function read(asked, signal, onText) {
  let end;
  try {
    const headers = { 'content-type': 'application/json' };
    const response = await fetch('/chat', { method: 'POST', headers, body: JSON.stringify(asked), signal });
    if (!response.ok) return { outcome: 'refused' };
    for await (const line of linesOf(response.body)) {
      if (line.end) end = line.end;
      else onText(line.text);
    }
  } catch {
    // Stopped, or the server is gone: below.
  }
  return end ?? { outcome: signal.aborted ? 'stopped' : 'lost' };
}

async function* linesOf(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  for (let rest = ''; ; ) {
    const { done, value } = await reader.read();
    if (done) return;
    const lines = (rest + value).split('\n');
    rest = lines.pop();
    for (const line of lines) yield JSON.parse(line);
  }
}

function addExchange(text) {
  const article = template.content.cloneNode(true).querySelector('article');
  const shown = { article };
  for (const part of ['question', 'answer', 'note', 'reference', 'retry']) {
    shown[part] = article.querySelector(`.${part}`);
  }
  shown.question.append(text);
  conversation.append(article);
  conversation.scrollTop = conversation.scrollHeight;
  return shown;
}

/** What came of the text stays, however it ended. */
function finish({ article, note, reference, retry }, end, again) {
  const { kind, note: words, retryAfterMs } = endingOf(end);
  article.dataset.ending = kind;
  note.textContent = words;
  if (end.outcome === 'failed') reference.textContent = `Reference: ${end.requestId}`;
  // Last: a screen reader waits for it, and reads the whole.
  article.setAttribute('aria-busy', 'false');
  if (retryAfterMs !== undefined) {
    retry.hidden = false;
    countDown(retry, performance.now() + retryAfterMs);
    retry.addEventListener('click', () => {
      question.focus(); // the button goes
      again();
    });
  }
}

/** The provider said how long it wants to be left alone. */
function countDown(retry, untilMs) {
  const leftMs = untilMs - performance.now();
  retry.disabled = leftMs > 0;
  retry.textContent = leftMs > 0 ? `Retry in ${duration(leftMs)}` : 'Retry';
  if (leftMs > 0) setTimeout(() => countDown(retry, untilMs), Math.min(leftMs, 1_000));
}

function duration(ms) {
  return ms > 90_000 ? `${Math.ceil(ms / 60_000)} min` : `${Math.ceil(ms / 1_000)} s`;
}

function setLeaving(controller) {
  leaving = controller;
  send.disabled = controller !== undefined;
  stop.disabled = controller === undefined;
}
