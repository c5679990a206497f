import { describe, expect, it } from 'vitest';
import { hiddenProperties, replaceProperty } from '../../src/intercept/property.js';

const twice = (original: unknown, isActive: () => boolean) => () => (original as () => number)() * (isActive() ? 2 : 1);

describe('replaceProperty', () => {
  it('keeps the flags and puts the same descriptor back', () => {
    const target = Object.defineProperty({}, 'f', {
      value: () => 1,
      enumerable: false,
      writable: true,
      configurable: true,
    });
    const before = Object.getOwnPropertyDescriptor(target, 'f');
    const replaced = replaceProperty(target, 'f', twice);
    expect(Object.getOwnPropertyDescriptor(target, 'f')).toMatchObject({ enumerable: false, writable: true });
    expect((target as { f(): number }).f()).toBe(2);
    replaced?.restore();
    expect(Object.getOwnPropertyDescriptor(target, 'f')).toEqual(before);
  });

  it('leaves in place what somebody put there since, and becomes a pass-through below it', () => {
    const target = { f: () => 1 };
    const replaced = replaceProperty(target, 'f', twice);
    const ours = target.f;
    const theirs = () => ours() + 10;
    target.f = theirs;
    replaced?.restore();
    expect(target.f).toBe(theirs);
    expect(target.f()).toBe(11);
    expect(replaced?.isActive()).toBe(false);
  });

  it('does nothing on a second restore', () => {
    const target = { f: () => 1 };
    const replaced = replaceProperty(target, 'f', twice);
    replaced?.restore();
    const later = () => 5;
    target.f = later;
    replaced?.restore();
    expect(target.f).toBe(later);
  });

  it('wraps what an accessor gives, and goes away when somebody assigns', () => {
    let stored = () => 1;
    const target = {
      get f() {
        return stored;
      },
      set f(next) {
        stored = next;
      },
    };
    const replaced = replaceProperty(target, 'f', twice);
    expect(target.f()).toBe(2);
    target.f = () => 7;
    expect(target.f()).toBe(7);
    replaced?.restore();
    expect(target.f()).toBe(7);
  });

  it.each([
    ['absent', {}],
    ['inherited', Object.create({ f: () => 1 })],
    ['frozen', Object.freeze({ f: () => 1 })],
  ])('refuses a property that is %s', (_, target) => {
    expect(replaceProperty(target, 'f', twice)).toBeUndefined();
  });
});

it('hidden properties appear in no listing of keys', () => {
  const target = Object.defineProperties({ seen: 1 }, hiddenProperties({ read: () => 2 }));
  expect(Object.keys(target)).toEqual(['seen']);
  expect((target as unknown as { read(): number }).read()).toBe(2);
});
