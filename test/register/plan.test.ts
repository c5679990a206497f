/** What an SDK of our own is made of where nothing is said: no limit is left to the SDK, whose lines differ. */
import { expect, it } from 'vitest';
import { readPlan } from '../../src/register/environment.js';

it('an environment that says nothing', () => {
  expect(readPlan({}, 512)).toStrictEqual({
    exporters: ['otlp'],
    protocol: 'http/json',
    sampler: undefined,
    limits: {
      attributeCountLimit: 128,
      attributeValueLengthLimit: Number.POSITIVE_INFINITY,
      eventCountLimit: 512,
      linkCountLimit: 128,
      attributePerEventCountLimit: 128,
      attributePerLinkCountLimit: 128,
    },
    batch: { maxQueueSize: 2048, scheduledDelayMillis: 1000, exportTimeoutMillis: 30_000, maxExportBatchSize: 512 },
    detectors: undefined,
  });
});

it.each([
  [{ OTEL_BSP_SCHEDULE_DELAY: '250' }, { scheduledDelayMillis: 250 }],
  [{ OTEL_BSP_MAX_QUEUE_SIZE: '1' }, { maxQueueSize: 1 }],
  [{ OTEL_BSP_MAX_QUEUE_SIZE: '0' }, { maxQueueSize: 2048 }],
  [{ OTEL_BSP_MAX_EXPORT_BATCH_SIZE: '-1' }, { maxExportBatchSize: 512 }],
  [{ OTEL_BSP_EXPORT_TIMEOUT: '0' }, { exportTimeoutMillis: 30_000 }],
  [{ OTEL_BSP_SCHEDULE_DELAY: '0' }, { scheduledDelayMillis: 1000 }],
])('with %o the batch processor has %o', (environment, limits) => {
  expect(readPlan(environment, 512).batch).toMatchObject(limits);
});

it.each([
  [{ OTEL_SPAN_LINK_COUNT_LIMIT: '0' }, { linkCountLimit: 0 }],
  [{ OTEL_SPAN_LINK_COUNT_LIMIT: '-1' }, { linkCountLimit: 128 }],
  [{ OTEL_ATTRIBUTE_COUNT_LIMIT: '7' }, { attributeCountLimit: 7 }],
  [{ OTEL_ATTRIBUTE_COUNT_LIMIT: '7', OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT: '9' }, { attributeCountLimit: 9 }],
])('with %o a span has %o', (environment, limits) => {
  expect(readPlan(environment, 512).limits).toMatchObject(limits);
});
