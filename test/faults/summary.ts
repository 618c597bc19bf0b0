import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import type {TestProject} from 'vitest/node'
import {sumUp, TALLY_VARIABLE, type Tally} from './tally.js'

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
    const {lines: said, problems} = sumUp(
      lines.map((line) => JSON.parse(line) as Tally),
      partial,
    )
    process.stdout.write(`\n${said.map((line) => `faults: ${line}\n`).join('')}`)
    for (const problem of problems) process.stderr.write(`faults: ${problem}\n`)
    if (problems.length > 0) process.exitCode = 1
  }
}
