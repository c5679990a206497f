/** Where spans go, as a line that a person reads may name it: never with what may be a secret. */
import { expect, it } from 'vitest';
import { endpointOf } from '../../src/register/endpoint.js';

const OTLP = 'OTEL_EXPORTER_OTLP_ENDPOINT';
const TRACES = 'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT';
const ZIPKIN = 'OTEL_EXPORTER_ZIPKIN_ENDPOINT';

it.each([
  ['http/json', {}, OTLP, 'localhost:4318'],
  ['http/protobuf', {}, OTLP, 'localhost:4318'],
  ['grpc', {}, OTLP, 'localhost:4317'],
  ['zipkin', { [OTLP]: 'http://collector:4318' }, ZIPKIN, 'localhost:9411'],
  ['zipkin', { [ZIPKIN]: 'http://zipkin:9411/api/v2/spans' }, ZIPKIN, 'zipkin:9411'],
  ['http/json', { [OTLP]: 'https://user:secret@collector:8443/secret?key=secret' }, OTLP, 'collector:8443'],
  ['http/json', { [OTLP]: 'http://one:1', [TRACES]: 'http://two:2/v1/traces' }, TRACES, 'two:2'],
  ['http/json', { [OTLP]: 'https://collector' }, OTLP, 'collector'],
  ['grpc', { [OTLP]: 'user:secret@collector:4317' }, OTLP, 'collector:4317'],
  ['http/json', { [OTLP]: 'http://user:secret@' }, OTLP, undefined],
] as const)('%s with %o: `%s` says %s', (kind, environment, variable, host) => {
  expect(endpointOf(environment, kind)).toEqual({ variable, host });
});
