import { expect, test } from 'vitest';
import { freePorts } from './ports.js';

test('a port is given once, although the program that will listen on it has not begun to', async () => {
  const asked = 40;
  const names = Array.from({ length: 20 }, (_, index) => `program-${index}`);
  const ports: number[] = [];
  for (let call = 0; call < asked; call += 1) ports.push(...Object.values(await freePorts(names)));
  expect(ports).toHaveLength(800);
  // Of 12,000 ports taken at random, some would be the same: all but surely (e^-26).
  expect(new Set(ports).size).toBe(800);
});
