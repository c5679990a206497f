/** What a test starts ends with it, also where the test itself is killed and runs nothing of its own any more. */
import { spawn } from 'node:child_process';

/**
 * Ends a process, or with a negative number a group, once this process is gone. Hands back how to call that off: after
 * the end, the number may be another process's.
 */
export function endWithUs(target: number): () => void {
  // It reads from us, and nothing is ever written: what it reads is our end.
  const guard = spawn('/bin/sh', ['-c', `read -r _; kill -9 ${target}`], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  guard.unref();
  // Node counts the pipe apart.
  if (guard.stdin && 'unref' in guard.stdin && typeof guard.stdin.unref === 'function') guard.stdin.unref();
  return () => void guard.kill('SIGKILL');
}
