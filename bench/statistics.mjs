/** Numbers of paired runs: round by round against the control of the same round, then the median and its range. */

/** @returns {{ median: number, min: number, max: number }} */
export function summary(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const median = sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
  return { median, min: sorted[0], max: sorted.at(-1) };
}

/** `rounds` is one object per round: mode → numbers. */
export function ratio(rounds, number, mode, against) {
  return summary(rounds.map((round) => round[mode][number] / round[against][number]));
}

export function difference(rounds, number, mode, against) {
  return summary(rounds.map((round) => round[mode][number] - round[against][number]));
}

export function plain(rounds, number, mode) {
  return summary(rounds.map((round) => round[mode][number]));
}
