import {defineConfig, type TestProjectConfiguration} from 'vitest/config'

/** They say within which time something ends, or take all that the machine has: nothing runs beside them. */
const ALONE = ['leak', 'stores', 'keychain', 'tunnel-faults', 'tunnel-transfer', 'tunnel-fuzz'].map(
  (name) => `test/e2e/${name}.test.ts`,
)

function project(name: string, files: object, workers: number, groupOrder: number): TestProjectConfiguration {
  return {
    test: {
      name,
      ...files,
      disableConsoleIntercept: true,
      pool: 'forks',
      maxWorkers: workers,
      fileParallelism: workers > 1,
      sequence: {groupOrder},
      testTimeout: 120_000,
      hookTimeout: 120_000,
    },
  }
}

/** Real processes, real sockets, the built bin. Each file has directories and a sandbox of its own. */
export default defineConfig({
  test: {
    reporters: ['default', './test/support/count-reporter.ts'],
    projects: [
      project('beside', {include: ['test/e2e/**/*.test.ts'], exclude: ALONE}, 2, 0),
      project('alone', {include: ALONE}, 1, 1),
    ],
  },
})
