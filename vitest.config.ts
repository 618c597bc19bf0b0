import {availableParallelism} from 'node:os'
import {defineConfig} from 'vitest/config'
import {AMPLE_MS} from './test/support/patience.js'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['e2e', 'contract', 'faults', 'attacks', 'windows', 'arm64'].map((suite) => `test/${suite}/**`),
    disableConsoleIntercept: true,
    pool: 'forks',
    // One more than there are cores, because they also wait for the disk.
    maxWorkers: availableParallelism() + 1,
    testTimeout: AMPLE_MS,
    hookTimeout: AMPLE_MS,
    expect: {poll: {timeout: AMPLE_MS}},
    setupFiles: ['test/support/hermetic.ts'],
    reporters: ['default', './test/support/count-reporter.ts'],
  },
})
