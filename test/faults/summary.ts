import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import type {TestProject} from 'vitest/node'
import {countOf, TALLY_VARIABLE, type Tally} from './tally.js'

/** 32 faults, each on create and on rotate. */
const TABLE_CASES = 64
/** kill, table, parallel, verdict. */
const FILES = 4

/** Ends the run with one line of what all cases together came to; anything but nothing fails it. */
export default function setup(project: TestProject): () => void {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'zt-tally-'))
  const file = path.join(folder, 'tally')
  fs.writeFileSync(file, '')
  process.env[TALLY_VARIABLE] = file
  return () => {
    const lines = fs.readFileSync(file, 'utf8').split('\n').filter(Boolean)
    fs.rmSync(folder, {recursive: true, force: true})
    const {vitest} = project
    const ran = new Set(vitest.state.getFiles().map(({filepath}) => filepath))
    // Whoever runs a part of it sees what the part came to.
    const partial = vitest.config.testNamePattern !== undefined || ran.size < FILES
    const problems = sumUp(
      lines.map((line) => JSON.parse(line) as Tally),
      partial,
    )
    for (const problem of problems) process.stderr.write(`faults: ${problem}\n`)
    if (problems.length > 0) process.exitCode = 1
  }
}

function sumUp(entries: Tally[], partial: boolean): string[] {
  const cases = entries.filter((entry) => 'wrong' in entry)
  const [lost, orphaned, remnants] = (['lost', 'orphaned', 'remnants'] as const).map((kind) =>
    countOf(entries, kind),
  )
  process.stdout.write(
    `\nfaults: ${cases.length} cases, ${lost} secrets lost, ${orphaned} tokens orphaned, ${remnants} plain-text remnants\n`,
  )
  const problems: string[] = []
  const wrong = cases.filter((entry) => entry.wrong.length > 0)
  if (wrong.length > 0) problems.push(`${wrong.length} cases did not end as they must`)
  const table = entries.filter(
    ({kind, name}) => kind === 'table' || (kind === 'skipped' && name.startsWith('table ')),
  )
  if (!partial && table.length !== TABLE_CASES)
    problems.push(`the table has ${table.length} cases, not ${TABLE_CASES}`)
  for (const entry of entries) {
    if (entry.kind !== 'recording') continue
    if (entry.killed < entry.effects)
      problems.push(`${entry.name}: killed at ${entry.killed} of ${entry.effects} effects`)
    process.stdout.write(`faults: ${entry.name}: killed at ${entry.killed} of ${entry.effects} effects\n`)
  }
  return problems
}
