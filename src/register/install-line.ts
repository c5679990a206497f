/** Which line of the SDK fits here, as the command that installs it. Pure. */

/** The 3.x line (0.30x of `sdk-node`) needs it, and `@opentelemetry/api` 1.10. */
const NEWER_LINE_NEEDS = { major: 22, minor: 15 };

/**
 * `node`: the version of the process, `api`: of the `@opentelemetry/api` that is there. Another API than that is only
 * named where this Node cannot run the SDK that goes with it.
 */
export function installLine(node: string, api: '1.9' | '1.10'): string {
  return api === '1.10' && runsNewerLine(node)
    ? 'npm install @opentelemetry/api@~1.10.0 @opentelemetry/sdk-node@^0.301.0'
    : 'npm install @opentelemetry/api@~1.9.0 @opentelemetry/sdk-node@^0.223.0';
}

function runsNewerLine(node: string): boolean {
  const [major = 0, minor = 0] = node.split('.').map(Number);
  return major > NEWER_LINE_NEEDS.major || (major === NEWER_LINE_NEEDS.major && minor >= NEWER_LINE_NEEDS.minor);
}
