/** The compose file and every YAML and JSON file of `examples/otel` as it is shipped, read by the program that it is for. */
import { readdirSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative, sep } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { type Ran, runToEnd } from './run.js';
import { ROOT, writeShipped } from './shipped.js';

const { otelcol, jaeger, promtool, 'compose-load': composeLoad } = inject('programs');
const FOLDER = 'examples/otel';
const LIMIT_MS = 60_000;
/** Some rules look a week back, minute by minute. */
const RULES_LIMIT_MS = 400_000;

/** Of what the stack is started with, by the other tests too. */
const COLLECTOR_FILES = ['collector.yaml', 'gateway/agent.yaml', 'gateway/gateway.yaml'];
const JAEGER_FILES = ['jaeger.yaml', 'jaeger-ui.json'];
const PROMETHEUS_CONFIGS = ['prometheus.yaml', 'gateway/prometheus.yaml'];
const RULE_TESTS = readdirSync(join(ROOT, FOLDER, 'prometheus'))
  .filter((name) => name.endsWith('.test.yaml'))
  .map((name) => `prometheus/${name}`);
const PROMETHEUS_FILES = [...PROMETHEUS_CONFIGS, 'prometheus/rules.yaml', ...RULE_TESTS];

/** No Go module, no package: nothing here can load them. The README beside them says so. */
const NOT_LOADED = [
  'tempo.yaml',
  'grafana/dashboards/llm-streams.json',
  'grafana/provisioning/alerting/contact-points.yaml',
  'grafana/provisioning/alerting/llm-streams.yaml',
  'grafana/provisioning/dashboards/dashboards.yaml',
  'grafana/provisioning/datasources/datasources.yaml',
];

const FINE = expect.objectContaining({ code: 0 });

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'backends-files-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

function run(path: string, ...args: readonly string[]): Promise<Ran> {
  return runToEnd(path, args, { limitMs: LIMIT_MS, cwd: ROOT });
}

test('each file is read by its program, or is one of those that cannot be', async () => {
  const entries = await readdir(join(ROOT, FOLDER), { recursive: true, withFileTypes: true });
  const files = entries
    .filter((entry) => entry.isFile() && /\.(ya?ml|json)$/.test(entry.name))
    .map(({ parentPath, name }) => relative(join(ROOT, FOLDER), join(parentPath, name)).replaceAll(sep, '/'));
  expect(files.sort()).toEqual([...COLLECTOR_FILES, ...JAEGER_FILES, ...PROMETHEUS_FILES, ...NOT_LOADED].sort());
});

test('the README names each program whose files nothing has loaded', async () => {
  const readme = await readFile(join(ROOT, FOLDER, 'README.md'), 'utf8');
  const paragraph = readme.split('\n\n').find((text) => /\bnot (run|loaded)\b/i.test(text)) ?? 'no such paragraph';
  expect(paragraph).toContain('Tempo');
  expect(paragraph).toContain('Grafana');
});

describe('the collector', () => {
  test.each(COLLECTOR_FILES)('takes %s', async (file) => {
    expect(await run(otelcol, 'validate', '--config', join(FOLDER, file))).toEqual(FINE);
  });

  test('does not take a file with a part that it does not know', async () => {
    const config = await writeShipped(join(FOLDER, 'collector.yaml'), folder, [
      ['tail_sampling', 'tail_sampler'],
      ['0.0.0.0', '127.0.0.1'],
    ]);
    const { code, stderr } = await run(otelcol, 'validate', '--config', config);
    expect(code).toBe(1);
    expect(stderr).toContain('unknown type: "tail_sampler"');
  });
});

describe('Jaeger', () => {
  test('takes jaeger.yaml and, from where the image has it, jaeger-ui.json', async () => {
    const config = await writeShipped(join(FOLDER, 'jaeger.yaml'), folder, [
      ['/etc/jaeger/ui.json', join(ROOT, FOLDER, 'jaeger-ui.json')],
      ['0.0.0.0', '127.0.0.1'],
    ]);
    expect(await run(jaeger, 'validate', '--config', config)).toEqual(FINE);
  });
});

describe('Prometheus', () => {
  test.each(PROMETHEUS_CONFIGS)('takes %s with rules.yaml', async (file) => {
    const config = await writeShipped(join(FOLDER, file), folder, [
      ['/etc/prometheus/rules.yaml', join(ROOT, FOLDER, 'prometheus/rules.yaml')],
    ]);
    // Such as a metric that is not named as its kind is: a warning is a failure.
    expect(await run(promtool, 'check', 'config', '--lint=all', '--lint-fatal', config)).toEqual(FINE);
    expect(
      await run(promtool, 'check', 'rules', '--lint=all', '--lint-fatal', `${FOLDER}/prometheus/rules.yaml`),
    ).toEqual(FINE);
  });

  test.each(RULE_TESTS)(
    'passes %s',
    async (file) => {
      const args = ['test', 'rules', join(FOLDER, file)];
      const ran = await runToEnd(promtool, args, { limitMs: RULES_LIMIT_MS, cwd: ROOT });
      expect(ran).toEqual(FINE);
      expect(ran.stdout).toContain('SUCCESS');
    },
    RULES_LIMIT_MS,
  );
});

describe("Docker Compose's loader", () => {
  const COMPOSE = 'docker-compose.otel.yml';

  test('takes the compose file, with the services of all profiles', async () => {
    const ran = await run(composeLoad, COMPOSE);
    expect(ran).toEqual(FINE);
    // What Compose documents.
    const { services } = JSON.parse(ran.stdout) as { services: Readonly<Record<string, unknown>> };
    expect(Object.keys(services).sort()).toEqual([
      'alert-echo',
      'demo',
      'grafana',
      'jaeger',
      'otel-collector',
      'otel-ready',
      'prometheus',
      'tempo',
    ]);
  });

  // Its schema takes all of these.
  test.each([
    ['a volume that nobody declares', '- tempo-data:', '- temp0-data:', 'undefined volume temp0-data'],
    ['a wait for nobody', 'otel-ready: { condition', 'otel-raedy: { condition', 'undefined service "otel-raedy"'],
    ['a time that is none', 'interval: 2s', 'interval: 2 s', 'unknown unit " s" in duration'],
    ['a port that is none', ':-3200}:3200', ':-3200}:320000', 'Invalid containerPort: 320000'],
  ] as const)('does not take %s', async (_what, from, to, message) => {
    const config = await writeShipped(COMPOSE, folder, [
      [from, to],
      ['HOST: 0.0.0.0', 'HOST: 127.0.0.1'],
    ]);
    const { code, stderr } = await run(composeLoad, config);
    expect(code).toBe(1);
    expect(stderr).toContain(message);
  });
});
