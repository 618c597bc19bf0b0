import {defineConfig} from 'vitest/config'

/** Real processes, real sockets, the built bin: one file at a time, on purpose. */
export default defineConfig({
  test: {
    include: ['test/e2e/**/*.test.ts'],
    disableConsoleIntercept: true,
    pool: 'forks',
    fileParallelism: false,
    testTimeout: 120_000,
    hookTimeout: 120_000,
    reporters: ['default', './test/support/count-reporter.ts'],
  },
})
