import type { Attributes } from '@opentelemetry/api';
import { expect, test } from 'vitest';
import { startAttributes } from '../../src/telemetry/metric-attributes.js';
import { bareCall } from './samples.js';

/** What a process has recorded stays: each test has attributes of its own. */
function values(attribute: string, of: (index: number) => Attributes, count: number): unknown[] {
  return Array.from({ length: count }, (_, index) => of(index)[attribute]);
}

test('each attribute has at most 100 values of its own, then `_OTHER`', () => {
  const of = (index: number) =>
    startAttributes(
      { ...bareCall, provider: `provider-${index}`, model: `model-${index}`, serverAddress: `${index}.example.com` },
      { feature: `feature-${index}`, route: `/route-${index}` },
      ['feature', 'route'],
    );
  const seen = [
    values('gen_ai.provider.name', (index) => of(index).bare, 150),
    values('gen_ai.request.model', (index) => of(index).bare, 150),
    values('server.address', (index) => of(index).convention, 150),
    values('llm_stream.feature', (index) => of(index).own, 150),
    values('llm_stream.route', (index) => of(index).own, 150),
  ];
  expect(seen.map((all) => new Set(all).size)).toEqual([101, 101, 101, 101, 101]);
  expect(seen.map((all) => [all[99], all[100], all[149]])).toEqual([
    ['provider-99', '_OTHER', '_OTHER'],
    ['model-99', '_OTHER', '_OTHER'],
    ['99.example.com', '_OTHER', '_OTHER'],
    ['feature-99', '_OTHER', '_OTHER'],
    ['/route-99', '_OTHER', '_OTHER'],
  ]);
  // Those that were there first keep their names.
  expect(of(7).bare['gen_ai.request.model']).toBe('model-7');
});

test('a port beyond them is left out', () => {
  const port = (serverPort: number) => startAttributes({ ...bareCall, serverPort }, undefined, []).convention;
  const ports = values('server.port', (index) => port(40_000 + index), 101);
  expect([ports[99], ports[100]]).toEqual([40_099, undefined]);
});

test('what is not known has no attribute', () => {
  const { bare, convention, own } = startAttributes(
    { ...bareCall, operation: undefined, provider: undefined, model: undefined },
    { feature: 'feature-0' },
    [],
  );
  expect([bare, convention, own]).toEqual([{}, {}, {}]);
});

test('a name is cut at 128 characters', () => {
  const { bare } = startAttributes({ ...bareCall, operation: 'x'.repeat(1000) }, undefined, []);
  expect(bare['gen_ai.operation.name']).toBe('x'.repeat(128));
});
