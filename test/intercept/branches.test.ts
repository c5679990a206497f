import { describe, expect, it } from 'vitest';
import { BodyGroup, type Branch } from '../../src/intercept/branches.js';
import { bodyHooks } from './recording.js';

const bytes = (text: string) => new TextEncoder().encode(text);

function divide(count: number) {
  const told = { log: [] as string[], content: '' };
  const group = new BodyGroup(bodyHooks(told));
  const streams = Array.from({ length: count + 1 }, () => new ReadableStream());
  const [parent, ...parts] = streams as [ReadableStream, ...ReadableStream[]];
  const root = group.addBranch(parent);
  const branches = parts.map((stream) => group.addBranch(stream, root));
  if (count > 0) group.divided(root);
  const read = (branch: Branch, text: string) => {
    group.waiting(branch);
    group.delivered(branch, bytes(text));
  };
  // Two or three branches were asked for.
  return { told, group, root, streams, read, branches: branches as [Branch, Branch, Branch] };
}

describe('bytes', () => {
  it('are told once however the branches cut them', () => {
    const {
      told,
      read,
      branches: [a, b],
    } = divide(2);
    read(a, 'abc');
    read(b, 'ab');
    read(b, 'cdef');
    read(a, 'defgh');
    expect(told.content).toBe('abcdefgh');
  });

  it('of a branch behind the others are nobody waiting for the wire', () => {
    const {
      told,
      read,
      branches: [a, b],
    } = divide(2);
    read(a, 'abc');
    told.log.length = 0;
    read(b, 'abc');
    expect(told.log).toEqual([]);
  });

  it('answer every read that was told, if with none', () => {
    const {
      told,
      group,
      branches: [a, b],
    } = divide(2);
    group.waiting(a);
    group.waiting(b);
    group.delivered(a, bytes('abc'));
    group.delivered(b, bytes('abc'));
    expect(told).toEqual({ log: ['waiting', 'waiting', 'bytes', 'bytes'], content: 'abc' });
  });

  it('are told from where a branch was divided', () => {
    const { told, group, root, read, streams } = divide(0);
    read(root, 'abc');
    const part = group.addBranch(streams[0] as ReadableStream, root);
    group.divided(root);
    read(part, 'def');
    expect(told.content).toBe('abcdef');
  });
});

describe('an ending', () => {
  it('is the end as soon as one branch ended', () => {
    const {
      told,
      group,
      branches: [a, b],
    } = divide(2);
    group.left(a);
    group.ended(b);
    expect(told.log).toEqual(['ended']);
  });

  it('is leaving only when all branches left', () => {
    const {
      told,
      group,
      branches: [a, b],
    } = divide(2);
    group.left(a);
    expect(told.log).toEqual([]);
    group.left(b);
    expect(told.log).toEqual(['left']);
  });

  it('is leaving when one left and the others were collected', () => {
    const {
      told,
      group,
      branches: [a, b],
    } = divide(2);
    group.left(a);
    group.collected(b);
    expect(told.log).toEqual(['left']);
  });

  it('is collected when nothing but garbage is left', () => {
    const {
      told,
      group,
      branches: [a, b],
    } = divide(2);
    group.collected(a);
    group.collected(b);
    expect(told.log).toEqual(['collected']);
  });

  it('is a failure when an error reached a branch, whoever left before', () => {
    const {
      told,
      group,
      branches: [a, b],
    } = divide(2);
    group.left(a);
    group.failed(b, new TypeError('x'));
    expect(told.log).toEqual(['failed TypeError']);
  });

  it('is told once', () => {
    const { told, group, root } = divide(0);
    group.ended(root);
    group.failed(root, new Error('x'));
    group.left(root);
    group.released(root);
    group.waiting(root);
    expect(told.log).toEqual(['ended']);
    expect(group.isOpen).toBe(false);
  });

  it('of one branch does not come after it left', () => {
    const {
      told,
      group,
      branches: [a],
    } = divide(2);
    group.left(a);
    group.ended(a);
    expect(told.log).toEqual([]);
  });
});

describe('a release', () => {
  it('is told when no other branch can bring more', () => {
    const {
      told,
      group,
      branches: [a, b],
    } = divide(2);
    group.released(a);
    expect(told.log).toEqual([]);
    group.left(b);
    expect(told.log).toEqual(['released']);
  });

  it('of one branch ends its waiting while the others go on', () => {
    const {
      told,
      group,
      branches: [a],
    } = divide(2);
    group.waiting(a);
    group.released(a);
    expect(told.log).toEqual(['waiting', 'bytes']);
  });
});

describe('unobserved', () => {
  it('is a stream that is locked by a reader we did not give', () => {
    const { group, root, streams } = divide(0);
    expect(group.isUnobserved).toBe(false);
    streams[0]?.getReader();
    expect(group.isUnobserved).toBe(true);
    group.held(root);
    expect(group.isUnobserved).toBe(false);
  });
});

it('hooks that throw stop nothing', () => {
  const group = new BodyGroup({
    ...bodyHooks({ log: [], content: '' }),
    bytes: () => {
      throw new Error('ours');
    },
  });
  const branch = group.addBranch(new ReadableStream());
  expect(() => group.delivered(branch, bytes('x'))).not.toThrow();
});
