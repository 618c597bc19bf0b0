import {defineConfig} from 'vitest/config'
import {AMPLE_MS} from './test/support/patience.js'

/**
 * Every fault that can hit a one-time secret: the built bin, real processes, killed or disconnected at every step.
 */
export default defineConfig({
  test: {
    include: ['test/faults/**/*.test.ts'],
    disableConsoleIntercept: true,
    pool: 'forks',
    fileParallelism: false,
    maxConcurrency: 10,
    testTimeout: AMPLE_MS,
    setupFiles: ['test/support/patient.ts'],
    hookTimeout: AMPLE_MS,
    expect: {poll: {timeout: AMPLE_MS}},
    globalSetup: ['test/faults/summary.ts'],
    reporters: ['dot', './test/support/count-reporter.ts'],
  },
})
