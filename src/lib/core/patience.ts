/**
 * The factor by which zt waits longer than usual for other programs, the API and the edge. It applies to every limit that
 * no flag sets: a slow machine is slow in everything.
 */
let factor = 1

const MOST = 100
/** A longer setTimeout would fire at once. */
const LONGEST_MS = 2 ** 31 - 1

/** The value of ZT_PATIENCE as a number from 1 to 100; undefined if it is not one. */
export function parsePatience(text: string): number | undefined {
  if (!/^\d{1,3}(\.\d{1,3})?$/.test(text)) return undefined
  const number = Number(text)
  return number >= 1 && number <= MOST ? number : undefined
}

/** Sets the factor for this process. An invalid one counts as 1; the settings report it. */
export function bePatient(text: string | undefined): void {
  factor = parsePatience(text?.trim() ?? '') ?? 1
}

/** A limit in milliseconds, multiplied by this process's factor. */
export function patient(ms: number): number {
  return Math.min(ms * factor, LONGEST_MS)
}
