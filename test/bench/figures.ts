/** Statistics of measured numbers. */

/** Returns the middle number, or the mean of the two in the middle. Of no numbers it is 0. */
export const median = (numbers: ReadonlyArray<number>): number => {
  const sorted = numbers.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  const upper = sorted[middle] ?? 0
  return sorted.length % 2 === 0 ? (upper + (sorted[middle - 1] ?? 0)) / 2 : upper
}

/** Returns the least of the numbers that this part of them does not exceed. Of no numbers it is `NaN`. */
export const percentile = (numbers: ReadonlyArray<number>, part: number): number =>
  numbers.toSorted((a, b) => a - b)[Math.max(0, Math.ceil(numbers.length * part) - 1)] ?? Number.NaN
