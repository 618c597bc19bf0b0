/**
 * How many times as long as usual zt waits for what may be slow here: another program of this machine, the API, the
 * edge. One knob for all limits that nobody gave: a machine that is slow is slow in everything.
 */
let factor = 1

const MOST = 100
/** setTimeout takes no longer one: it would fire at once. */
const LONGEST_MS = 2 ** 31 - 1

/** The value of ZT_PATIENCE as a number from 1 to 100; undefined where it is none. */
export function parsePatience(text: string): number | undefined {
  if (!/^\d{1,3}(\.\d{1,3})?$/.test(text)) return undefined
  const number = Number(text)
  return number >= 1 && number <= MOST ? number : undefined
}

/** For this process. What is no such number counts as 1; the settings refuse it aloud. */
export function bePatient(text: string | undefined): void {
  factor = parsePatience(text?.trim() ?? '') ?? 1
}

/** A usual limit, in milliseconds, as it holds in this process. */
export function patient(ms: number): number {
  return Math.min(ms * factor, LONGEST_MS)
}
