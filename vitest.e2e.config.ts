import {defineConfig, type TestProjectConfiguration} from 'vitest/config'
import {PATIENT} from './test/support/suite.js'

const files = (...names: string[]): string[] => names.map((name) => `test/e2e/${name}.test.ts`)
/** They wait, or keep one core at work; the first has something to do at every moment. Together they leave no core idle. */
const WAITING = files('leak', 'stores-silent', 'keychain', 'tunnel-fuzz', 'tunnel-faults', 'tunnel-transfer')

function project(name: string, which: object, workers: number, groupOrder: number): TestProjectConfiguration {
  return {
    test: {
      name,
      ...PATIENT,
      ...which,
      maxWorkers: workers,
      sequence: {groupOrder},
    },
  }
}

/** Real processes, real sockets, the built bin. Each file has its own directories and sandbox. */
export default defineConfig({
  test: {
    reporters: ['default', './test/support/count-reporter.ts'],
    projects: [
      project('beside', {include: ['test/e2e/**/*.test.ts'], exclude: WAITING}, 3, 0),
      project('waiting', {include: WAITING}, 4, 1),
    ],
  },
})
