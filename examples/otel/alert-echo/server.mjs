/**
 * Where the alerts of the demo arrive: a webhook that prints one line per alert, so that one can see it come. Takes what
 * Grafana and Alertmanager send; needs nothing but Node.
 *
 *   POST /         alerts
 *   GET  /alerts   the last ones, as JSON
 *   GET  /health   200
 */
import { createServer } from 'node:http';

const MOST_BYTES = 1024 * 1024;
const MOST_KEPT = 100;

const { HOST = '127.0.0.1', PORT = '8080' } = process.env;

/** The newest last. */
const received = [];

const ROUTES = {
  'GET /health': (_request, response) => answer(response, 200, { status: 'ok' }),
  'GET /alerts': (_request, response) => answer(response, 200, received),
  'POST /': take,
};

const server = createServer((request, response) => {
  const [path] = request.url.split('?', 1);
  const route = ROUTES[`${request.method} ${path}`];
  if (route === undefined) return answer(response, 404, { error: 'expected POST /, GET /alerts or GET /health' });
  route(request, response);
});
server.listen(Number(PORT), HOST, () => {
  const { address, port } = server.address();
  console.log(`alert-echo: listening on http://${address}:${port}`);
});

// Node does not end at a signal by itself where it is the first process of a container.
for (const signal of ['SIGTERM', 'SIGINT']) {
  process.once(signal, () => {
    server.close();
    server.closeAllConnections();
  });
}

async function take(request, response) {
  try {
    const { alerts } = JSON.parse(await bodyOf(request));
    if (!Array.isArray(alerts)) throw new TypeError('expected `alerts`, as Grafana and Alertmanager send them');
    for (const alert of alerts) {
      received.push({ receivedAt: new Date().toISOString(), ...alert });
      console.log(lineOf(alert));
    }
    received.splice(0, received.length - MOST_KEPT);
    answer(response, 200, { taken: alerts.length });
  } catch (error) {
    answer(response, 400, { error: error.message });
  }
}

async function bodyOf(request) {
  const chunks = [];
  let bytes = 0;
  for await (const chunk of request) {
    bytes += chunk.length;
    if (bytes > MOST_BYTES) throw new RangeError(`expected at most ${MOST_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function lineOf({ status, labels = {}, annotations = {} }) {
  const { alertname = 'an alert without a name', ...others } = labels;
  const names = Object.entries(others).map(([name, value]) => `${name}=${value}`);
  const parts = [annotations.summary, annotations.runbook_url, names.join(' ')].filter(Boolean);
  return [`${status === 'resolved' ? 'resolved' : 'FIRING'} ${alertname}`, ...parts].map(oneLine).join(' | ');
}

/** Labels are made of what applications say: a line end in one would be a line of its own. */
function oneLine(text) {
  return String(text).replace(/\s+/g, ' ').trim();
}

function answer(response, status, body) {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}
