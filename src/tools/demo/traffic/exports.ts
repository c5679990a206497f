/**
 * Watches an exporter: what the backend took, what is lost, and since when it takes nothing. The SDK itself only logs it.
 */
import type { Exported } from './messages.js';

/** What exporters of all signals have in common. */
interface Exporter<Items> {
  export(items: Items, resultCallback: (result: Result) => void): void;
}

interface Result {
  readonly code: number;
  readonly error?: Error;
}

export interface Watch<Items> {
  /** How many there are in one export. */
  count(items: Items): number;
  /** Told when the first export fails, and, without a problem, when one is taken again. */
  changed(problem: string | undefined): void;
}

/** The exporter itself, watched; `exported` says how it went so far. */
export function watchExports<Items>(exporter: Exporter<Items>, { count, changed }: Watch<Items>): () => Exported {
  const send = exporter.export.bind(exporter);
  let accepted = 0;
  let lost = 0;
  let problem: string | undefined;
  exporter.export = (items, resultCallback) => {
    const size = count(items);
    // Until something else is heard.
    lost += size;
    send(items, (result) => {
      const before = problem;
      problem = result.code === SUCCESS ? undefined : whyOf(result);
      if (problem === undefined) {
        accepted += size;
        lost -= size;
      }
      if ((before === undefined) !== (problem === undefined)) changed(problem);
      resultCallback(result);
    });
  };
  return () => ({ accepted, lost, ...(problem !== undefined && { problem }) });
}

/** `ExportResultCode.SUCCESS` of the SDK. */
const SUCCESS = 0;

function whyOf({ error }: Result): string {
  return error?.message || error?.name || 'no reason was given';
}
