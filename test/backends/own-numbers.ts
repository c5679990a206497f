/** What a collector says at one of its `/metrics`, now: Prometheus has it a scrape later. */
import { ask } from './http.js';

/** Of all series that the selector begins, such as `name` or `name{exporter="x"`; 0 where there is none. */
export async function sumOfSeries(url: string, beginning: string): Promise<number> {
  const lines = (await (await ask(url)).text()).split('\n');
  const isOne = beginning.includes('{')
    ? (line: string) => line.startsWith(beginning)
    : (line: string) => line.startsWith(`${beginning}{`) || line.startsWith(`${beginning} `);
  return lines
    .filter(isOne)
    .reduce((sum, line) => sum + Number(/ ([\d.e+-]+)(?: #.*| \d+)?$/.exec(line)?.[1] ?? Number.NaN), 0);
}
