import {defineConfig, type TestProjectConfiguration} from 'vitest/config'
import {AMPLE_MS} from './test/support/patience.js'

const files = (...names: string[]): string[] => names.map((name) => `test/e2e/${name}.test.ts`)
/** Each has something to do at every moment, for both cores. */
const ALONE = files('leak')
/** They wait, or keep one core at work: together they leave none idle. */
const WAITING = files('stores-silent', 'keychain', 'tunnel-fuzz', 'tunnel-faults', 'tunnel-transfer')

function project(name: string, which: object, workers: number, groupOrder: number): TestProjectConfiguration {
  return {
    test: {
      name,
      ...which,
      disableConsoleIntercept: true,
      pool: 'forks',
      maxWorkers: workers,
      fileParallelism: workers > 1,
      sequence: {groupOrder},
      testTimeout: AMPLE_MS,
      setupFiles: ['test/support/patient.ts'],
      hookTimeout: AMPLE_MS,
      expect: {poll: {timeout: AMPLE_MS}},
    },
  }
}

/** Real processes, real sockets, the built bin. Each file has its own directories and sandbox. */
export default defineConfig({
  test: {
    reporters: ['default', './test/support/count-reporter.ts'],
    projects: [
      project('beside', {include: ['test/e2e/**/*.test.ts'], exclude: [...WAITING, ...ALONE]}, 2, 0),
      project('waiting', {include: WAITING}, 3, 1),
      project('alone', {include: ALONE}, 1, 2),
    ],
  },
})
