import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import type {TestProject} from 'vitest/node'
import {countOf, TALLY_VARIABLE} from './tally.js'

/** Ends the run with the number of attacks of each family; a family without any fails it. */
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
    const all = fs.readdirSync(import.meta.dirname).filter((name) => name.endsWith('.test.ts'))
    // Whoever runs a part of it sees what the part came to.
    const partial = vitest.config.testNamePattern !== undefined || ran.size < all.length
    process.stdout.write('\n')
    for (const [family, count] of countOf(lines)) {
      if (count > 0 || !partial) process.stdout.write(`attacks: ${family}: ${count}\n`)
      if (count > 0 || partial) continue
      process.stderr.write(`attacks: nothing was tried of "${family}"\n`)
      process.exitCode = 1
    }
  }
}
