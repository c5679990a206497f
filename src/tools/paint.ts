/**
 * Colours for terminals, or none.
 */

export type Colour = 'red' | 'green' | 'yellow' | 'cyan' | 'dim' | 'bold';

/** Puts a text into a colour. Its visible length stays. */
export type Paint = (colour: Colour, text: string) => string;

const CODES: Readonly<Record<Colour, readonly [on: number, off: number]>> = {
  red: [31, 39],
  green: [32, 39],
  yellow: [33, 39],
  cyan: [36, 39],
  dim: [2, 22],
  bold: [1, 22],
};

export const paintNothing: Paint = (_, text) => text;

export const paintAnsi: Paint = (colour, text) => {
  const [on, off] = CODES[colour];
  return text === '' ? '' : `\u001B[${on}m${text}\u001B[${off}m`;
};

/** Colours where somebody looks and did not ask for none. @see https://no-color.org */
export function paintFor(
  output: { readonly isTTY?: boolean },
  { NO_COLOR: noColor }: { readonly NO_COLOR?: string | undefined },
): Paint {
  const asked = noColor === undefined || noColor === '';
  return output.isTTY === true && asked ? paintAnsi : paintNothing;
}
