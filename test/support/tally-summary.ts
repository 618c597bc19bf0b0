import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import type {TestProject} from 'vitest/node'

export interface TallySummary {
  /** Begins each line of the summary. */
  name: string
  /** The variable that names the file to which the tests append their lines. */
  variable: string
  /** Where the test files are. */
  directory: string
  /** @param partial only some of the tests ran: nothing is said about how many there must be */
  sumUp(lines: string[], partial: boolean): {lines: string[]; problems: string[]}
}

/** A global set-up that ends the run with a summary of what its tests counted; problems fail the run. */
export function tallySummary({name, variable, directory, sumUp}: TallySummary) {
  return ({vitest}: TestProject): (() => void) => {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'zt-tally-'))
    const file = path.join(folder, 'tally')
    fs.writeFileSync(file, '')
    process.env[variable] = file
    return () => {
      const counted = fs.readFileSync(file, 'utf8').split('\n').filter(Boolean)
      fs.rmSync(folder, {recursive: true, force: true})
      const ran = new Set(vitest.state.getFiles().map(({filepath}) => filepath))
      const all = fs.readdirSync(directory).filter((one) => one.endsWith('.test.ts'))
      const partial = vitest.config.testNamePattern !== undefined || ran.size < all.length
      const {lines, problems} = sumUp(counted, partial)
      process.stdout.write(`\n${lines.map((line) => `${name}: ${line}\n`).join('')}`)
      for (const problem of problems) process.stderr.write(`${name}: ${problem}\n`)
      if (problems.length > 0) process.exitCode = 1
    }
  }
}
