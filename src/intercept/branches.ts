/**
 * One body and what became of it by `tee()` and `clone()`: each byte is told once, and the branches' endings become
 * one. A body that was never divided is a group of one branch: there is one code path.
 *
 * Holds no strong reference to a stream, reader or response: being collected is one of the endings.
 */
import { guard } from '../guard.js';
import type { BodyHooks } from './call-hooks.js';

type BranchState =
  /** Nobody asked for a reader yet. */
  | 'untouched'
  | 'read'
  /** The reader was let go before the end. */
  | 'released'
  | 'left'
  | 'collected';

/** One way to read a body. */
export interface Branch {
  readonly group: BodyGroup;
  readonly stream: WeakRef<ReadableStream>;
  state: BranchState;
  /** Bytes this branch has delivered, counted from the beginning of the body. */
  offset: number;
  /** Reads that were told and are not answered yet. */
  toldReads: number;
}

/** All branches of one body, and the hooks they report to. */
export class BodyGroup {
  private hooks: BodyHooks | undefined;
  private branches: Branch[] = [];
  /** How much of the body was told: only what lies beyond is news. */
  private toldBytes = 0;
  /** Between {@link leaving} and {@link left}. */
  isLeaving = false;

  constructor(hooks: BodyHooks) {
    this.hooks = hooks;
  }

  /** False once an ending was told; nothing is told after it. */
  get isOpen(): boolean {
    return this.hooks !== undefined;
  }

  /** Adds a branch that begins where `parent` stands, or at the first byte. */
  addBranch(stream: ReadableStream, parent?: Branch): Branch {
    const branch: Branch = {
      group: this,
      stream: new WeakRef(stream),
      state: 'untouched',
      offset: parent?.offset ?? 0,
      toldReads: 0,
    };
    this.branches.push(branch);
    return branch;
  }

  /** `branch` was divided: what becomes of it is told by the branches it was divided into. */
  divided(branch: Branch): void {
    this.branches = this.branches.filter((other) => other !== branch);
  }

  /** Somebody took a reader of ours. */
  held(branch: Branch): void {
    branch.state = 'read';
    this.tell('held', (hooks) => hooks.held());
  }

  waiting(branch: Branch): void {
    branch.state = 'read';
    // A branch behind the others waits for no wire: its bytes lie buffered.
    if (branch.offset < this.toldBytes) return;
    branch.toldReads += 1;
    const { hooks } = this;
    if (hooks !== undefined) guard('waiting', () => hooks.waiting());
  }

  delivered(branch: Branch, view: Uint8Array): void {
    const start = branch.offset;
    branch.offset += view.byteLength;
    const isNews = branch.offset > this.toldBytes;
    if (!isNews && branch.toldReads === 0) return;
    // Each read that was told gets its answer, if only an empty one: whoever counts them would wait for ever.
    if (branch.toldReads > 0) branch.toldReads -= 1;
    const news =
      start >= this.toldBytes || view.byteLength === 0
        ? view
        : view.subarray(Math.min(this.toldBytes - start, view.byteLength));
    this.toldBytes = Math.max(this.toldBytes, branch.offset);
    const { hooks } = this;
    if (hooks !== undefined) guard('bytes', () => hooks.bytes(news));
  }

  ended(branch: Branch): void {
    if (!isGone(branch)) this.finish('ended', (hooks) => hooks.ended());
  }

  failed(branch: Branch, error: unknown): void {
    if (!isGone(branch)) this.finish('failed', (hooks) => hooks.failed(error));
  }

  /** The consumer is about to cancel, and until {@link left} what fails on the wire is its doing. */
  leaving(): void {
    this.isLeaving = true;
  }

  left(branch: Branch): void {
    this.isLeaving = false;
    if (isGone(branch)) return;
    branch.state = 'left';
    if (!this.conclude()) this.answerReads(branch);
  }

  collected(branch: Branch): void {
    if (isGone(branch)) return;
    branch.state = 'collected';
    this.conclude();
  }

  released(branch: Branch): void {
    if (isGone(branch)) return;
    branch.state = 'released';
    if (this.conclude()) branch.toldReads = 0;
    else this.answerReads(branch);
  }

  /** Whether somebody holds a branch by a reader that is not ours, and reads where we do not see it. */
  get isUnobserved(): boolean {
    if (!this.isOpen) return false;
    return this.branches.some(({ state, stream }) => {
      return (state === 'untouched' || state === 'released') && stream.deref()?.locked === true;
    });
  }

  /** Tells an ending once no branch can bring another. False where some branch is still to be heard. */
  private conclude(): boolean {
    if (this.branches.every(isGone)) {
      if (this.branches.some((branch) => branch.state === 'left')) {
        this.finish('left', (hooks) => hooks.left());
      } else {
        this.finish('collected', (hooks) => hooks.collected());
      }
    } else if (this.branches.every((branch) => isGone(branch) || branch.state === 'released')) {
      this.tell('released', (hooks) => hooks.released());
    } else {
      return false;
    }
    return true;
  }

  /** The other branches go on: the reads of this one wait no more. */
  private answerReads(branch: Branch): void {
    for (; branch.toldReads > 0; branch.toldReads -= 1) this.tell('bytes', (hooks) => hooks.bytes(NO_BYTES));
  }

  private finish(place: string, observe: (hooks: BodyHooks) => void): void {
    const hooks = this.hooks;
    // Streams outlive their calls: what is over keeps nothing alive.
    this.hooks = undefined;
    if (hooks !== undefined) guard(place, () => observe(hooks));
  }

  private tell(place: string, observe: (hooks: BodyHooks) => void): void {
    const hooks = this.hooks;
    if (hooks !== undefined) guard(place, () => observe(hooks));
  }
}

const NO_BYTES = new Uint8Array(0);

function isGone(branch: Branch): boolean {
  return branch.state === 'left' || branch.state === 'collected';
}
