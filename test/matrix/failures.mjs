// A reporter of vitest's that writes what failed in a cell to the file `MATRIX_FAILURES`: a log that is cut keeps only its end.
import { writeFileSync } from 'node:fs';

export default class Failures {
  onTestRunEnd(modules, unhandledErrors) {
    const lines = [];
    for (const module of modules) {
      for (const error of module.errors()) lines.push(`${module.relativeModuleId}: ${textOf(error)}`);
      for (const test of module.children.allTests('failed')) {
        for (const error of test.result().errors)
          lines.push(`${module.relativeModuleId} > ${test.fullName}: ${textOf(error)}`);
      }
    }
    for (const error of unhandledErrors) lines.push(`outside of a test: ${textOf(error)}`);
    writeFileSync(process.env.MATRIX_FAILURES, JSON.stringify(lines));
  }
}

function textOf({ message, diff, stack = '' }) {
  const frames = stack.split('\n').filter((line) => line.startsWith('    at '));
  return [message, diff, ...frames.slice(0, 2)].filter(Boolean).join('\n');
}
