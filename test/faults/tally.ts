import fs from 'node:fs'
import type {Verdict} from './verdict.js'

/** The file to which the cases of all test files write their results; the summary reads it at the end. */
export const TALLY_VARIABLE = 'ZT_TEST_FAULTS_TALLY'

/** The result of one case. */
export type Tally =
  | {kind: 'table' | 'more' | 'kill' | 'recovery' | 'parallel'; name: string; wrong: string[]}
  /** A part that cannot run here (a program is missing) and was reported. */
  | {kind: 'skipped'; name: string}
  /** The effects that a recording counted, and at how many of them zt was killed. */
  | {kind: 'recording'; name: string; effects: number; killed: number}

export function tally(entry: Tally): void {
  const file = process.env[TALLY_VARIABLE]
  if (file === undefined) throw new Error('the faults are run by npm run test:faults')
  // One write per line, so that concurrent processes do not mix theirs.
  fs.appendFileSync(file, JSON.stringify(entry) + '\n')
}

/** The number of cases with a finding of this kind. */
function countOf(entries: readonly Tally[], kind: keyof Verdict): number {
  return entries.filter((entry) => 'wrong' in entry && entry.wrong.some((one) => one.startsWith(`${kind}: `)))
    .length
}

/** 32 faults, each on create and on rotate. */
const TABLE_CASES = 64

/**
 * The result of all cases in words, and why it fails the run.
 *
 * @param partial only some of the tests ran: the number of cases is not checked
 */
export function sumUp(entries: readonly Tally[], partial: boolean): {lines: string[]; problems: string[]} {
  const cases = entries.filter((entry) => 'wrong' in entry)
  const [lost, orphaned, remnants] = (['lost', 'orphaned', 'remnants'] as const).map((kind) =>
    countOf(entries, kind),
  )
  const recordings = entries.filter((entry) => entry.kind === 'recording')
  const problems: string[] = []
  const wrong = cases.filter((entry) => entry.wrong.length > 0).length
  if (wrong > 0) problems.push(`${wrong} cases did not end as they must`)
  const table = entries.filter(
    ({kind, name}) => kind === 'table' || (kind === 'skipped' && /^table /.test(name)),
  )
  if (!partial && table.length !== TABLE_CASES)
    problems.push(`the table has ${table.length} cases, not ${TABLE_CASES}`)
  if (!partial && recordings.length === 0) problems.push('nothing was killed')
  for (const {name, effects, killed} of partial ? [] : recordings)
    if (killed < effects) problems.push(`${name}: killed at ${killed} of ${effects} moments`)
  const sum = (field: 'effects' | 'killed'): number =>
    recordings.reduce((all, recording) => all + recording[field], 0)
  return {
    lines: [
      `killed at ${sum('killed')} of ${sum('effects')} moments in ${recordings.length} recordings`,
      `${cases.length} cases, ${lost} secrets lost, ${orphaned} tokens orphaned, ${remnants} plain-text remnants`,
    ],
    problems,
  }
}
