import { describe, expect, test } from 'vitest';
import { readOptions } from '../../../src/tools/demo/options.js';

describe('the options of the demo', () => {
  test.each([
    { args: [], variable: undefined, options: { does: 'show', backendUrl: undefined, json: false } },
    { args: ['--json'], variable: 'http://a', options: { does: 'show', backendUrl: undefined, json: true } },
    {
      args: ['--otlp', 'http://a:1/x/'],
      variable: undefined,
      options: { does: 'show', backendUrl: 'http://a:1/x/v1/traces', json: false },
    },
    {
      args: ['--forever'],
      variable: undefined,
      options: {
        does: 'traffic',
        rounds: Number.POSITIVE_INFINITY,
        tracesUrl: 'http://localhost:4318/v1/traces',
        metricsUrl: 'http://localhost:4318/v1/metrics',
        json: false,
      },
    },
    {
      args: ['--rounds', '3', '--json'],
      variable: 'https://a/otlp',
      options: {
        does: 'traffic',
        rounds: 3,
        tracesUrl: 'https://a/otlp/v1/traces',
        metricsUrl: 'https://a/otlp/v1/metrics',
        json: true,
      },
    },
    {
      args: ['--forever', '--otlp', 'http://b/v1/traces'],
      variable: 'http://a',
      options: {
        does: 'traffic',
        rounds: Number.POSITIVE_INFINITY,
        tracesUrl: 'http://b/v1/traces',
        metricsUrl: 'http://b/v1/metrics',
        json: false,
      },
    },
    { args: ['--forever', '-h'], variable: undefined, options: { does: 'help' } },
  ])('$args with the endpoint $variable in the environment', ({ args, variable, options }) => {
    expect(readOptions(args, { OTEL_EXPORTER_OTLP_ENDPOINT: variable })).toEqual(options);
  });

  test.each([
    { args: ['--rounds', '0'], says: '--rounds must be a whole number, 1 or more, got "0"' },
    { args: ['--rounds', 'many'], says: '--rounds must be a whole number, 1 or more, got "many"' },
    { args: ['--rounds', '1', '--forever'], says: '--forever and --rounds exclude each other' },
    { args: ['--forever', '--json'], says: '--json prints the sum at the end of --rounds; --forever has none' },
    { args: ['--forever', '--otlp', 'a:4318'], says: '--otlp must be an http or https URL, got "a:4318"' },
  ])('$args is refused', ({ args, says }) => {
    expect(() => readOptions(args, {})).toThrow(new TypeError(says));
  });

  test('an endpoint in the environment that is no URL is refused by its name', () => {
    expect(() => readOptions(['--forever'], { OTEL_EXPORTER_OTLP_ENDPOINT: 'collector' })).toThrow(
      new TypeError('OTEL_EXPORTER_OTLP_ENDPOINT must be an http or https URL, got "collector"'),
    );
  });
});
