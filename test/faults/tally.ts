import fs from 'node:fs'
import type {Verdict} from './verdict.js'

/** Where the cases of all files write what came of them; the summary reads it when all have run. */
export const TALLY_VARIABLE = 'ZT_TEST_FAULTS_TALLY'

/** One case, as it ended. */
export type Tally =
  | {kind: 'table' | 'more' | 'kill' | 'recovery' | 'parallel'; name: string; wrong: string[]}
  /** A part that cannot run here (a program is missing) and was said aloud. */
  | {kind: 'skipped'; name: string}
  /** What a recording counted, and how many of its effects were killed at. */
  | {kind: 'recording'; name: string; effects: number; killed: number}

export function tally(entry: Tally): void {
  const file = process.env[TALLY_VARIABLE]
  if (file === undefined) throw new Error('the faults are run by npm run test:faults')
  // One write of one line: processes at the same time do not mix theirs.
  fs.appendFileSync(file, JSON.stringify(entry) + '\n')
}

/** The cases that have something of this kind. */
export function countOf(entries: readonly Tally[], kind: keyof Verdict): number {
  return entries.filter((entry) => 'wrong' in entry && entry.wrong.some((one) => one.startsWith(`${kind}: `)))
    .length
}
