/** What is written when the process exits right after a call, where nothing that takes time runs any more. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Applications, IMPORT, startApplications } from './run.js';

let applications: Applications;

beforeAll(async () => {
  applications = await startApplications();
});

beforeEach(() => applications.collect());

afterAll(() => applications.close());

/** The lines that are the name of a span, or begin with one of `parts`. */
const written = (stdout: readonly string[], ...parts: readonly string[]) =>
  stdout.map((line) => line.trim()).filter((line) => ["name: 'chat", ...parts].some((part) => line.startsWith(part)));

describe('with the console exporter', () => {
  it.each([
    ['it exits', 'exits.mjs', 3, "name: 'chat greeting',"],
    ['of an exception', 'throws.mjs', 1, "name: 'chat greeting',"],
    ['it exits while the call is open', 'exits-with-open-call.mjs', 3, "name: 'chat hanging',"],
    ['its handler of a signal exits', 'exits-in-handler.mjs', 3, "name: 'chat greeting',"],
  ])('%s: the span is written', async (_, application, code, name) => {
    const run = await applications.run([...IMPORT, application], { OTEL_TRACES_EXPORTER: 'console' });
    expect(run.code).toBe(code);
    expect(written(run.stdout)).toEqual([name]);
  });

  it('beside another one: the span is written, and not sent', async () => {
    const { stdout } = await applications.run([...IMPORT, 'exits.mjs'], { OTEL_TRACES_EXPORTER: 'otlp,console' });
    expect(written(stdout)).toEqual(["name: 'chat greeting',"]);
    expect(applications.collector.exports).toEqual([]);
  });

  it('what the resource is made of so far is written, and nothing is complained of', async () => {
    const { stdout, stderr } = await applications.run([...IMPORT, 'exits.mjs'], {
      OTEL_TRACES_EXPORTER: 'console',
      OTEL_RESOURCE_ATTRIBUTES: 'team=a',
      OTEL_SERVICE_NAME: 'shop',
      OTEL_LOG_LEVEL: 'warn',
    });
    expect(written(stdout, "'service.name'", 'team').sort()).toEqual([
      "'service.name': 'shop',",
      "name: 'chat greeting',",
      "team: 'a',",
    ]);
    expect(stderr).toBe('');
  });
});

describe('with the OTLP exporter', () => {
  it('no SDK is loaded for what cannot be sent any more', async () => {
    expect(await applications.run([...IMPORT, 'exits.mjs'])).toEqual({
      code: 3,
      stdout: ['answer Hello world', 'an SDK is loaded false'],
      stderr: '',
    });
  });
});

it.each(['otlp', 'console'])('with %s no listener stands, before an SDK is loaded and after', async (exporter) => {
  const { stdout } = await applications.run([...IMPORT, 'many-listeners.mjs'], { OTEL_TRACES_EXPORTER: exporter });
  expect(stdout.filter((line) => /^(answer|while|room|then)/.test(line))).toEqual([
    'answer Hello world',
    'while an SDK is loaded 0',
    'room for them 0',
    'then 0, room 0',
  ]);
});
