import {bars as barsOfLocale} from './signs.js'

/**
 * Numbers as one line of bars, the highest for the largest; nothing is a space. Where there are more numbers than columns,
 * neighbours are added up.
 *
 * @returns the line, how many numbers one bar is, and the largest bar's number
 */
export function sparkline(
  numbers: readonly number[],
  columns: number,
  bars = barsOfLocale(),
): {line: string; each: number; most: number} {
  const each = Math.max(1, Math.ceil(numbers.length / Math.max(1, columns)))
  const sums: number[] = []
  // From the end, so that the newest bar is a whole one.
  for (let end = numbers.length; end > 0; end -= each)
    sums.unshift(numbers.slice(Math.max(0, end - each), end).reduce((sum, one) => sum + one, 0))
  const most = Math.max(0, ...sums)
  const bar = (sum: number): string =>
    sum > 0 ? (bars[Math.ceil((sum / most) * bars.length) - 1] ?? '') : ' '
  return {line: sums.map(bar).join(''), each, most}
}
