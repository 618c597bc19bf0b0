import fs from 'node:fs'

/** The file in which every attack is counted; the summary reads it at the end. */
export const TALLY_VARIABLE = 'ZT_TEST_ATTACKS_TALLY'

/** A family of attacks: each must have been tried at least once, or the run fails. */
const FAMILIES = [
  'ends of a connection',
  "curl's options × hostile values",
  'mutating operations × a lying API',
  'string fields × hostile texts × commands',
  'ways not to share × configurations that share',
  'files × who wrote them and what they are',
  'listeners × hostile clients',
  "node's and the shell's surroundings",
  'edits at the same time',
] as const

export type Family = (typeof FAMILIES)[number]

/** Counts attacks that zt withstood; called after the assertions. */
export function tally(family: Family, attacks: number): void {
  const file = process.env[TALLY_VARIABLE]
  if (file === undefined) throw new Error('the attacks are run by npm run test:attacks')
  // One write per line, so that concurrent processes do not mix theirs.
  fs.appendFileSync(file, `${JSON.stringify({family, attacks})}\n`)
}

/** The number of attacks in each family. */
export function countOf(lines: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>(FAMILIES.map((family) => [family, 0]))
  for (const line of lines) {
    const {family, attacks} = JSON.parse(line) as {family: string; attacks: number}
    counts.set(family, (counts.get(family) ?? 0) + attacks)
  }
  return counts
}
