import { expect, test } from 'vitest';
import { change } from './shipped.js';

const TEXT = 'a: 0.0.0.0:1 # of 0.0.0.0\nb: wait 5s\nc: wait 5s\n';

test('what is told is changed, everywhere', () => {
  const changes = [
    ['a: 0.0.0.0:1', 'a: 127.0.0.1:2'],
    [/wait \d+s/g, 'wait 1s'],
  ] as const;
  expect(change(TEXT, changes, 'x.yaml')).toBe('a: 127.0.0.1:2 # of 0.0.0.0\nb: wait 1s\nc: wait 1s\n');
});

test('what is not there to be changed is an error', () => {
  expect(() => change('b: wait 5s', [['wait 6s', 'wait 1s']], 'x.yaml')).toThrow(
    'expected `wait 6s` in x.yaml, to put `wait 1s` there',
  );
});

test('what still listens to the network is an error', () => {
  expect(() => change(TEXT, [['wait 5s', 'wait 1s']], 'x.yaml')).toThrow(
    'expected nothing of x.yaml to listen to the network, got `a: 0.0.0.0:1 # of 0.0.0.0`',
  );
});
