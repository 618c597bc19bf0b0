import {defineConfig} from 'vitest/config'

/** Every fault that can befall a one-time secret: the built bin, real processes, killed and cut off at every step. */
export default defineConfig({
  test: {
    include: ['test/faults/**/*.test.ts'],
    disableConsoleIntercept: true,
    pool: 'forks',
    fileParallelism: false,
    maxConcurrency: 10,
    testTimeout: 180_000,
    hookTimeout: 120_000,
    globalSetup: ['test/faults/summary.ts'],
    reporters: ['dot', './test/support/count-reporter.ts'],
  },
})
