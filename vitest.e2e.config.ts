import {defineConfig, type TestProjectConfiguration} from 'vitest/config'
import {PATIENT} from './test/support/suite.js'

const files = (...names: string[]): string[] => names.map((name) => `test/e2e/${name}.test.ts`)
/** Each has something to do at every moment, for both cores. */
const ALONE = files('leak')
/** They wait, or keep one core at work: together they leave none idle. */
const WAITING = files('stores-silent', 'keychain', 'tunnel-fuzz', 'tunnel-faults', 'tunnel-transfer')

function project(name: string, which: object, workers: number, groupOrder: number): TestProjectConfiguration {
  return {
    test: {
      name,
      ...PATIENT,
      ...which,
      maxWorkers: workers,
      fileParallelism: workers > 1,
      sequence: {groupOrder},
    },
  }
}

/** Real processes, real sockets, the built bin. Each file has its own directories and sandbox. */
export default defineConfig({
  test: {
    reporters: ['default', './test/support/count-reporter.ts'],
    projects: [
      project('beside', {include: ['test/e2e/**/*.test.ts'], exclude: [...WAITING, ...ALONE]}, 3, 0),
      project('waiting', {include: WAITING}, 3, 1),
      project('alone', {include: ALONE}, 1, 2),
    ],
  },
})
